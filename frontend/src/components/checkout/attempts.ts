import { type CreatedPayment, type PaymentRequestRequest, paymentsCreateCreate } from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";
import { newKey } from "@/lib/random";
import { readItem, writeItem } from "@/lib/storage";

const IN_FLIGHT_TRIES = 8;
const STORED = "estuary.attempt";
/** For as long the server takes an equal purchase for the same one. */
const LASTS_MS = 10 * 60_000;

/**
 * Asks the server for one purchase at a time, under an `Idempotency-Key` per attempt.
 *
 * An attempt lasts until the server has answered it: when the answer is lost on the way, the next click sends the same
 * key, and the server gives the first answer again (`Idempotency-Replayed`), which is used like any other. Whatever
 * else is bought, or after an answer, takes a new key.
 *
 * The open attempt is kept in the browser, so that a page that was closed amid it, and a second tab, send the same key.
 */
export class Attempts {
  #open: Attempt | null = null;

  /** `account` is who buys: the next one at this browser has attempts of their own. */
  async create(body: PaymentRequestRequest, account: string): Promise<CreatedPayment> {
    const text = `${account} ${JSON.stringify(body)}`;
    if (this.#open?.body !== text) this.#open = storedAttempt(text);
    if (!this.#open) this.#begin(text);
    for (let tries = 1; ; tries++) {
      try {
        const created = await this.#send(body);
        this.#end();
        return created;
      } catch (reason) {
        if (!(reason instanceof Problem)) throw reason;
        if (reason.code === "idempotency_key_in_flight" && tries < IN_FLIGHT_TRIES) {
          await pause(reason.retryAfterS ?? 1);
        } else if (reason.code === "idempotency_key_reused" && tries === 1) {
          this.#begin(text); // it came with another request: not this purchase's name
        } else {
          if (isDecided(reason)) this.#end();
          throw reason;
        }
      }
    }
  }

  #begin(body: string): void {
    this.#open = { key: newKey(), body, at: Date.now() };
    writeItem(STORED, JSON.stringify(this.#open));
  }

  #end(): void {
    const key = this.#open?.key;
    this.#open = null;
    if (parsedAttempt()?.key === key) writeItem(STORED, null);
  }

  #send(body: PaymentRequestRequest): Promise<CreatedPayment> {
    return unwrap(paymentsCreateCreate({ body, headers: { "Idempotency-Key": this.#open?.key } }));
  }
}

type Attempt = { key: string; body: string; at: number };

function parsedAttempt(): Attempt | null {
  try {
    return JSON.parse(readItem(STORED) ?? "null") as Attempt | null;
  } catch {
    return null;
  }
}

/** Returns the attempt that another page of this browser left open, if it is the same purchase and not old. */
function storedAttempt(body: string): Attempt | null {
  const stored = parsedAttempt();
  const isFresh = stored !== null && Math.abs(Date.now() - stored.at) < LASTS_MS;
  return isFresh && stored.body === body ? stored : null;
}

/** Whether the server decided; otherwise the purchase may have been made all the same. */
function isDecided({ status, code }: Problem): boolean {
  return status >= 400 && status < 500 && status !== 429 && code !== "idempotency_key_in_flight";
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
