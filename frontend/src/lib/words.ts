import type { BookingStatus, CreditKind, OrderStatus, Service, ServiceType } from "@/api/generated";
import type { Tone } from "@/components/ui/badge";

export const TYPES: Record<ServiceType, { one: string; many: string; hint: string }> = {
  session: { one: "1-on-1 session", many: "Sessions", hint: "Just you and the practitioner" },
  workshop: { one: "Workshop", many: "Workshops", hint: "A few hours in a small group" },
  course: { one: "Course", many: "Courses", hint: "Several meetings that build on each other" },
  package: { one: "Package", many: "Packages", hint: "Different services for one price" },
  bundle: { one: "Bundle", many: "Bundles", hint: "The same session, several times" },
};

export const TYPE_ORDER = Object.keys(TYPES) as ServiceType[];
export const isServiceType = (text: string | null): text is ServiceType =>
  text !== null && Object.hasOwn(TYPES, text);

export const ORDER_STATES: Record<OrderStatus, { label: string; tone: Tone; story: string }> = {
  pending: { label: "Not paid yet", tone: "wait", story: "Order placed" },
  processing: { label: "Payment on its way", tone: "wait", story: "Your bank is working on it" },
  failed: { label: "Payment declined", tone: "bad", story: "The payment was declined" },
  canceled: { label: "Canceled", tone: "plain", story: "Order canceled" },
  paid: { label: "Being refunded", tone: "wait", story: "Paid too late to be handed over" },
  completed: { label: "Paid", tone: "good", story: "Paid and confirmed" },
  partially_refunded: { label: "Partly refunded", tone: "calm", story: "A part was refunded" },
  refunded: { label: "Refunded", tone: "calm", story: "Refunded" },
};

export const BOOKING_STATES: Record<BookingStatus, { label: string; tone: Tone }> = {
  confirmed: { label: "Confirmed", tone: "good" },
  canceled: { label: "Canceled", tone: "plain" },
  partially_refunded: { label: "Partly refunded", tone: "calm" },
  completed: { label: "Took place", tone: "plain" },
  expired: { label: "Expired", tone: "plain" },
};

export const CREDIT_KINDS: Record<CreditKind, string> = {
  purchase: "Bought",
  spend: "Spent",
  refund: "Refund",
  adjustment: "Adjustment",
};

export const REFUND_STATES: Record<string, string> = {
  requested: "Asked for",
  pending: "On its way to you",
  succeeded: "Returned",
  failed: "Failed: we will be in touch",
  canceled: "Canceled",
};

/** Returns the price in the house's currency, or the first there is. */
export function priceOf(service: Pick<Service, "prices">, currency?: string) {
  return service.prices.find((price) => price.currency === currency) ?? service.prices[0];
}

export const brandName = (brand: string) =>
  ({ visa: "Visa", mastercard: "Mastercard", amex: "American Express", discover: "Discover" })[brand] ??
  brand.replace(/^\w/, (letter) => letter.toUpperCase());
