"use client";
import { useElements, useStripe } from "@stripe/react-stripe-js";
import type { StripeError } from "@stripe/stripe-js";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import type { CreatedPayment, PaymentRequestRequest } from "@/api/generated";
import { Problem, ReadableError } from "@/api/problem";
import { announce } from "@/lib/announce";
import { toMinor } from "@/lib/money";
import { OWN_DATA } from "@/lib/queries";

import { classifyError, type Verdict } from "@/lib/stripe-errors";
import { useAccount } from "@/lib/use-account";

import { Attempts } from "./attempts";
import { findOrderPaidElsewhere, refuseRepeat, toBoughtJustNow } from "./bought-just-now";
import { Declined } from "./declined";
import { waitUntil } from "./hold";
import type { ConfirmResult, NewCard, Payer } from "./new-card";
import { returnPath, setOrderInUrl, useOrderInDoubt } from "./order-in-doubt";
import { type PaymentPlace, useExclusiveTask } from "./use-exclusive-task";

export type Payment = {
  /** With the card's share as the button shows it. When another amount is due, the buyer must click again. */
  body: PaymentRequestRequest & { amount_due: string; currency: string };
  /** Stripe's id of a saved card; null pays with the card in the form. */
  savedCard: string | null;
  newCard: NewCard;
  payer: Payer;
};

/** `again` is the earlier order, when the buyer confirmed the repeat. */
export type RepeatOptions = { again?: string };

export class AmountChanged extends ReadableError {
  constructor() {
    super("The amount has changed in the meantime. Look at it again, then pay.");
  }
}

/** Returns `pay`, `payOnHostedPage` and `holdAgain`. Only one runs at a time, so one click is one charge. */
export function usePay() {
  const stripe = useStripe();
  const elements = useElements();
  const router = useRouter();
  const client = useQueryClient();
  const { runExclusive, busy, error } = useExclusiveTask();
  const { create, lookAgain, placed } = useCreatePayment();
  const { checkOrder } = useOrderInDoubt();
  const isHere = useIsHere();

  const showOrder = (orderId: string) => {
    void client.invalidateQueries({ queryKey: [OWN_DATA] });
    router.replace(returnPath(orderId));
  };

  /** Runs a payment. If the purchase turns out to be paid already, its order is shown, as in the tab that paid. */
  const runPayment = (place: PaymentPlace, body: PaymentRequestRequest, task: () => Promise<void>) =>
    runExclusive(place, async () => {
      try {
        await task();
      } catch (reason) {
        const paid = await findOrderPaidElsewhere(reason, body);
        if (!paid) throw reason;
        showOrder(paid);
      }
    });

  const pay = ({ body, savedCard, newCard, payer }: Payment, { again }: RepeatOptions = {}) =>
    runPayment("form", body, async () => {
      const dueMinor = toMinor(body.amount_due, body.currency);
      const typed = dueMinor > 0 && savedCard === null;
      if (dueMinor > 0 && (!stripe || (typed && !elements)))
        throw new ReadableError("The card form is not ready yet. Wait a moment, then pay.");
      if (typed && elements) throwIfRefused(verdictOf(await newCard.check(elements)));
      const created = await create({ ...body, payment_type: "intent" }, again);
      if (created.client_secret && stripe) {
        if (toMinor(created.amount_due, created.currency) !== dueMinor) throw new AmountChanged();
        await lookAgain(body, created.order_id);
        // Who has left the checkout meanwhile, as to choose another date, pays nothing for this one.
        if (!isHere()) return;
        setOrderInUrl(created.order_id);
        const { client_secret: clientSecret } = created;
        const returnUrl = window.location.origin + returnPath(created.order_id);
        const verdict = await confirmInTime(created, () =>
          typed && elements
            ? newCard.confirm({ stripe, elements, clientSecret, payer, returnUrl })
            : stripe.confirmCardPayment(clientSecret, { payment_method: savedCard ?? "" }),
        );
        // Only leaving the page closes the bank's window.
        if (verdict === "over") return window.location.replace(returnPath(created.order_id));
        // The page that asks Stripe knows how it ended, for who has left this one while the bank was asked.
        if (!isHere()) return showOrder(created.order_id);
        if (verdict?.kind === "unknown") return checkOrder(created.order_id);
        setOrderInUrl(null);
        throwIfRefused(verdict, created.order_id);
      }
      showOrder(created.order_id);
    });

  const payOnHostedPage = (body: PaymentRequestRequest, { again }: RepeatOptions = {}) =>
    runPayment("hosted", body, async () => {
      const here = new URL(window.location.href);
      here.searchParams.set("canceled", "1");
      const page = { ...body, payment_type: "checkout", cancel_url: here.href } as const;
      const created = await create(page, again);
      if (!created.checkout_url) return router.replace(returnPath(created.order_id));
      await lookAgain(body, created.order_id);
      if (!isHere()) return;
      window.location.assign(created.checkout_url);
    });

  /** Places the same order again after its hold has ended, if what it held is still free. Nothing is paid by that. */
  const holdAgain = (body: PaymentRequestRequest) =>
    runExclusive(
      "form",
      async () => {
        const created = await create({ ...body, payment_type: "intent" }, undefined);
        if (!created.client_secret) return showOrder(created.order_id);
        announce("It is kept for you again.");
        await client.invalidateQueries({ queryKey: [OWN_DATA, "credits"] });
      },
      { staysHere: true },
    );

  return { pay, payOnHostedPage, holdAgain, busy, error, placed, ready: stripe !== null };
}

/** Returns whether the checkout that began is still shown. */
function useIsHere(): () => boolean {
  const here = useRef(false);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
    };
  }, []);
  return () => here.current;
}

/**
 * Returns `create`, which places an order unless it repeats a recent one, and the last order it placed.
 *
 * `lookAgain` follows before that order is paid. Another tab may have paid for the same since the first look. Its order
 * is listed as bought by now, for a buyer has one unpaid order of the same at a time.
 */
function useCreatePayment() {
  const account = useAccount();
  const client = useQueryClient();
  const [attempts] = useState(() => new Attempts());
  const [placed, setPlaced] = useState<CreatedPayment | null>(null);
  const confirmed = useRef<string | undefined>(undefined);

  async function create(body: PaymentRequestRequest, again: string | undefined): Promise<CreatedPayment> {
    try {
      confirmed.current = again ?? confirmed.current;
      await refuseRepeat(body, { confirmed: confirmed.current });
      const created = await attempts.create({ ...body, ...(again ? { again } : {}) }, account?.email ?? "");
      setPlaced(created);
      return created;
    } catch (error) {
      // A date was moved since the page was loaded: show its new time.
      if (error instanceof Problem && error.code === "time_changed")
        void client.invalidateQueries({ queryKey: ["sessions"] });
      if (error instanceof Problem && error.code === "amount_due_changed") throw new AmountChanged();
      throw toBoughtJustNow(error);
    }
  }

  const lookAgain = (body: PaymentRequestRequest, paying: string) =>
    refuseRepeat(body, { paying, confirmed: confirmed.current });

  return { create, lookAgain, placed };
}

/** Confirms a payment, and waits only until the hold ends: a bank's window may stay open for hours. */
async function confirmInTime(
  { expires_at: until }: CreatedPayment,
  confirm: () => Promise<ConfirmResult>,
): Promise<Verdict | "over" | undefined> {
  const { over, stop } = waitUntil(until);
  const confirmed = confirm().then(
    ({ error }) => verdictOf(error),
    // The payment may have been sent before anything was thrown.
    (): Verdict => ({ kind: "unknown" }),
  );
  try {
    return await Promise.race([confirmed, over]);
  } finally {
    stop();
  }
}

const verdictOf = (error: StripeError | undefined) => (error ? classifyError(error) : undefined);

function throwIfRefused(verdict: Verdict | undefined, orderId = ""): void {
  if (verdict?.kind === "declined") throw new Declined(verdict.reason, orderId);
  if (verdict?.kind === "invalid") throw new ReadableError(verdict.reason);
  if (verdict) throw new ReadableError("The card could not be checked. Look at it again, then pay.");
}
