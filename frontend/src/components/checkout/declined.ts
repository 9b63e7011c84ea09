import { ReadableError } from "@/api/problem";

/** The one place that may say so: the bank has refused, and Stripe said it. See `eslint.config.mjs`. */
export const NOTHING_WAS_CHARGED = "Nothing was charged";

export class Declined extends ReadableError {
  constructor(reason: string) {
    super(`${reason} ${NOTHING_WAS_CHARGED}: try again, or use another card.`);
  }
}
