import type { Service } from "@/api/generated";

/** Returns the price in a currency, or the service's first price. */
export function priceOf(service: Pick<Service, "prices">, currency?: string) {
  return service.prices.find((price) => price.currency === currency) ?? service.prices[0];
}
