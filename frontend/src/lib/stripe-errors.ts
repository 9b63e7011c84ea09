/** Classifies errors of Stripe.js by what they mean for the payment or the card. */
import type { StripeError } from "@stripe/stripe-js";

/**
 * - `declined`: the bank declined, and nothing was charged.
 * - `invalid`: the input is wrong, or Stripe does not know the shop's key; nothing was sent.
 * - `unknown`: everything else. The payment may have succeeded, and only Stripe knows.
 */
export type Verdict = { kind: "declined" | "invalid"; reason: string } | { kind: "unknown" };

const UNKNOWN: Verdict = { kind: "unknown" };
/** Statuses of an intent that was not charged and takes another card. */
const UNPAID = new Set(["requires_payment_method", "requires_confirmation"]);
/** Failed 3-D Secure authentications, whose type is `invalid_request_error`. */
const NOT_AUTHENTICATED = new Set([
  "payment_intent_authentication_failure",
  "setup_intent_authentication_failure",
]);

const NOT_SET_UP =
  "Cards can't be taken right now: this shop's set-up with Stripe is not right. Please tell us; another card or another try won't help.";

/** Whether Stripe refused the shop's API key; the buyer sees our text instead of Stripe's. */
const isKeyRefused = ({ type, message = "" }: StripeError) =>
  (type === "invalid_request_error" || type === "authentication_error") && /API key/i.test(message);

export function classifyError(error: StripeError): Verdict {
  const { type, code = "", message } = error;
  const intent = error.payment_intent ?? error.setup_intent;
  if (type === "validation_error") return { kind: "invalid", reason: message || "Look at the card again." };
  if (isKeyRefused(error)) return { kind: "invalid", reason: NOT_SET_UP };
  const isDecline = type === "card_error" || NOT_AUTHENTICATED.has(code);
  if (!isDecline || (intent && !UNPAID.has(intent.status))) return UNKNOWN;
  return { kind: "declined", reason: message || "Your bank did not agree." };
}
