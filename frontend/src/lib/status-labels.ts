import type { BookingStatus, CreditKind, OrderStatus } from "@/api/generated";

/** How a status looks on its badge. */
export type Tone = "calm" | "good" | "wait" | "bad" | "plain";

export const ORDER_STATUSES: Record<OrderStatus, { label: string; tone: Tone; story: string }> = {
  pending: { label: "Not paid yet", tone: "wait", story: "Order placed" },
  processing: { label: "Payment on its way", tone: "wait", story: "Your bank is working on it" },
  failed: { label: "Payment declined", tone: "bad", story: "The payment was declined" },
  canceled: { label: "Canceled", tone: "plain", story: "Order canceled" },
  paid: { label: "Being refunded", tone: "wait", story: "Paid too late to be booked" },
  completed: { label: "Paid", tone: "good", story: "Paid and confirmed" },
  partially_refunded: { label: "Partly refunded", tone: "calm", story: "A part was refunded" },
  refunded: { label: "Refunded", tone: "calm", story: "Refunded" },
};

export const BOOKING_STATUSES: Record<BookingStatus, { label: string; tone: Tone }> = {
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

export const REFUND_STATUSES: Record<string, string> = {
  requested: "Asked for",
  pending: "On its way to you",
  succeeded: "Returned",
  failed: "Did not go through",
  canceled: "Canceled",
};
