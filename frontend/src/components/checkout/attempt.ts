import { type CreatedPayment, type PaymentRequestRequest, paymentsCreateCreate } from "@/api/generated";
import { answerOf, Problem } from "@/api/problem";
import { newKey } from "@/lib/random";

const IN_FLIGHT_TRIES = 8;

/**
 * Asks the server for one purchase at a time, under an `Idempotency-Key` per attempt.
 *
 * An attempt lasts until the server has answered it: when the answer is lost on the way, the next click sends the same
 * key, and the server gives the first answer again (`Idempotency-Replayed`), which is used like any other. Whatever
 * else is bought, or after an answer, takes a new key.
 */
export class Attempts {
  #open: { key: string; body: string } | null = null;

  async create(body: PaymentRequestRequest): Promise<CreatedPayment> {
    const text = JSON.stringify(body);
    if (this.#open?.body !== text) this.#begin(text);
    for (let tries = 1; ; tries++) {
      try {
        const created = await this.#send(body);
        this.#open = null;
        return created;
      } catch (reason) {
        if (!(reason instanceof Problem)) throw reason;
        if (reason.code === "idempotency_key_in_flight" && tries < IN_FLIGHT_TRIES) {
          await pause(reason.retryAfterS ?? 1);
        } else if (reason.code === "idempotency_key_reused" && tries === 1) {
          this.#begin(text); // it came with another request: not this purchase's name
        } else {
          if (isAnswer(reason)) this.#open = null;
          throw reason;
        }
      }
    }
  }

  #begin(body: string): void {
    this.#open = { key: newKey(), body };
  }

  #send(body: PaymentRequestRequest): Promise<CreatedPayment> {
    return answerOf(paymentsCreateCreate({ body, headers: { "Idempotency-Key": this.#open?.key } }));
  }
}

/** Whether the server decided; otherwise the purchase may have been made all the same. */
function isAnswer({ status, code }: Problem): boolean {
  return status >= 400 && status < 500 && status !== 429 && code !== "idempotency_key_in_flight";
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
