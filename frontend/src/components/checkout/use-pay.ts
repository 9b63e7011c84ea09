"use client";
import { useElements, useStripe } from "@stripe/react-stripe-js";
import type { StripeError } from "@stripe/stripe-js";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import type { PaymentRequestRequest } from "@/api/generated";
import { toMinor } from "@/lib/money";
import { MINE } from "@/lib/queries";
import { reasonOf } from "@/lib/stripe";
import { Attempts } from "./attempt";
import type { NewCard, Payer } from "./new-card";

export const returnPath = (orderId: string) => `/checkout/return/?order=${encodeURIComponent(orderId)}`;

export type Payment = {
  body: PaymentRequestRequest;
  /** What the button says the card will be charged; anything else is not paid without another click. */
  dueMinor: number;
  /** Stripe's id of a saved card; null pays with the card in the form. */
  savedCard: string | null;
  newCard: NewCard;
  payer: Payer;
};

const NEXT_STEP = "Nothing was charged: try again, or use another card.";

class AmountChanged extends Error {
  constructor() {
    super("The amount has changed in the meantime. Nothing was charged: look at it again, then pay.");
  }
}

/**
 * Runs one task at a time; one that succeeds leads away from the page, so the lock stays.
 *
 * A browser may keep the page as it was left, and show it again when its reader comes back: then it is free again.
 */
function useOnce() {
  const client = useQueryClient();
  const locked = useRef(false);
  const [busy, setBusy] = useState<"here" | "elsewhere" | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    const unlock = ({ persisted }: PageTransitionEvent) => {
      if (!persisted) return;
      locked.current = false;
      setBusy(null);
    };
    window.addEventListener("pageshow", unlock);
    return () => window.removeEventListener("pageshow", unlock);
  }, []);

  async function once(where: "here" | "elsewhere", task: () => Promise<void>): Promise<void> {
    if (locked.current) return;
    locked.current = true;
    setBusy(where);
    setError(null);
    try {
      await task();
    } catch (reason) {
      setError(reason);
      setBusy(null);
      locked.current = false;
      for (const changed of [MINE, "service", "sessions", "slots"])
        void client.invalidateQueries({ queryKey: [changed] });
    }
  }

  return { once, busy, error };
}

/** Returns `pay` and `payElsewhere`: one at a time, and one click is one charge. */
export function usePay() {
  const stripe = useStripe();
  const elements = useElements();
  const router = useRouter();
  const client = useQueryClient();
  const { once, busy, error } = useOnce();
  const [attempts] = useState(() => new Attempts());

  const pay = ({ body, dueMinor, savedCard, newCard, payer }: Payment) =>
    once("here", async () => {
      const typed = dueMinor > 0 && savedCard === null;
      if (dueMinor > 0 && (!stripe || (typed && !elements)))
        throw new Error("The card form is not ready yet.");
      if (typed && elements) throwIf(await newCard.check(elements));
      const created = await attempts.create({ ...body, payment_type: "intent" });
      if (toMinor(created.amount_due, created.currency) !== dueMinor) throw new AmountChanged();
      if (created.client_secret && stripe) {
        const { client_secret: clientSecret } = created;
        const returnUrl = window.location.origin + returnPath(created.order_id);
        const { error: refused } =
          typed && elements
            ? await newCard.confirm({ stripe, elements, clientSecret, payer, returnUrl })
            : await stripe.confirmCardPayment(clientSecret, { payment_method: savedCard ?? "" });
        throwIf(refused);
      }
      void client.invalidateQueries({ queryKey: [MINE] });
      router.replace(returnPath(created.order_id));
    });

  const payElsewhere = (body: PaymentRequestRequest) =>
    once("elsewhere", async () => {
      const here = new URL(window.location.href);
      here.searchParams.set("canceled", "1");
      const created = await attempts.create({ ...body, payment_type: "checkout", cancel_url: here.href });
      if (created.checkout_url) window.location.assign(created.checkout_url);
      else router.replace(returnPath(created.order_id));
    });

  return { pay, payElsewhere, busy, error, ready: stripe !== null };
}

function throwIf(refused: StripeError | undefined): void {
  if (!refused) return;
  const reason = reasonOf(refused, "The payment was refused.");
  throw new Error(refused.type === "validation_error" ? reason : `${reason} ${NEXT_STEP}`);
}
