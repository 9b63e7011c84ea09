import { ReadableError } from "@/api/problem";

/** Only a decline by the bank may show this text. `eslint.config.mjs` forbids it elsewhere. */
export const NOTHING_WAS_CHARGED = "Nothing was charged";

export class Declined extends ReadableError {
  constructor(reason: string, orderId: string) {
    super(`${reason} ${NOTHING_WAS_CHARGED}: try again, or use another card.`);
    this.reference = orderId;
  }
}
