import { type CreatedPayment, type PaymentRequestRequest, paymentsCreateCreate } from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";
import { readItem, writeItem } from "@/browser/storage";
import { newKey } from "@/lib/random";

const IN_FLIGHT_TRIES = 8;
const STORED = "estuary.attempt";
/** The server treats an identical request within this time as the same purchase. */
const LASTS_MS = 10 * 60_000;

/**
 * Creates one payment at a time, with one `Idempotency-Key` for each attempt.
 *
 * 1. An attempt stays open until the server has responded to it.
 * 2. When the response is lost, the next click sends the same key. The server then returns its first response again
 *    (`Idempotency-Replayed`).
 * 3. Another purchase, or the next one after a response, gets a new key.
 * 4. The card's share (`amount_due`) is no part of what is bought: after a lost response the balance may be another one.
 *
 * The open attempt is stored in the browser: a second tab, or a page that was closed and reopened, sends the same key.
 */
export class Attempts {
  #open: Attempt | null = null;

  /** `account` is the buyer: another account at this browser has attempts of its own. */
  async create(body: PaymentRequestRequest, account: string): Promise<CreatedPayment> {
    const { amount_due: _, ...bought } = body;
    const text = `${account} ${JSON.stringify(bought)}`;
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
          // The key belongs to another request.
          this.#begin(text);
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

/** Returns the attempt that another page of this browser left open, if it is recent and for the same purchase. */
function storedAttempt(body: string): Attempt | null {
  const stored = parsedAttempt();
  const isFresh = stored !== null && Math.abs(Date.now() - stored.at) < LASTS_MS;
  return isFresh && stored.body === body ? stored : null;
}

/** Whether the server has decided; if not, the order may exist all the same. */
function isDecided({ status, code }: Problem): boolean {
  return status >= 400 && status < 500 && status !== 429 && code !== "idempotency_key_in_flight";
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
