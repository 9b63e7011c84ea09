import type { Service } from "@/api/generated";

type Currencies = readonly (string | null | undefined)[];

/** Returns the price in the first of these currencies that has one; else the service's first price. */
export function priceOf({ prices }: Pick<Service, "prices">, currencies: Currencies) {
  const inCurrency = (currency: Currencies[number]) => prices.find((price) => price.currency === currency);
  return currencies.map(inCurrency).find(Boolean) ?? prices[0];
}
