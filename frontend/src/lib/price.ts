import type { Service } from "@/api/generated";

/** Returns the price in the house's currency, or the first there is. */
export function priceOf(service: Pick<Service, "prices">, currency?: string) {
  return service.prices.find((price) => price.currency === currency) ?? service.prices[0];
}
