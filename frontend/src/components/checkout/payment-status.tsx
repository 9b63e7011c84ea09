"use client";
import type { OrderDetail } from "@/api/generated";
import { isNotFound } from "@/api/problem";
import { ButtonLink } from "@/components/ui/button";
import { GetHelp } from "@/components/ui/get-help";
import { Loading } from "@/components/ui/loading";
import { Notice } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { CancelOrder } from "./cancel-order";
import { checkoutPathOf, holdsPlace } from "./checkout-path";
import { HoldCountdown, useSecondsLeft } from "./hold";
import { OrderNotFound } from "./order-not-found";
import { OrderOutcome } from "./order-outcome";
import { OrderProgress, progressOf } from "./order-progress";
import { useOrderPolling } from "./use-order-polling";

const TITLES: Record<string, string> = {
  pending: "Confirming your payment",
  processing: "Your bank is working on it",
  failed: "The payment was declined",
  canceled: "This order was canceled",
  paid: "Your money is on its way back",
  completed: "Thank you. It is all yours.",
  partially_refunded: "A part was refunded",
  refunded: "This order was refunded",
};

/** Polls an order until Stripe's result is known, and shows its progress and outcome. */
export function PaymentStatus({ orderId }: { orderId: string }) {
  const { order, query, late, isAsked } = useOrderPolling(orderId);
  if (!order && isNotFound(query.error)) return <OrderNotFound />;
  if (!order) return query.error || late ? <Unreachable query={query} /> : <Loading />;
  const status = order.status ?? "pending";
  const unpaid = status === "pending" && isAsked;
  return (
    <>
      <PageTitle lead={order.title}>{unpaid ? "No payment has arrived yet" : TITLES[status]}</PageTitle>
      <OrderProgress current={progressOf(order)} />
      {unpaid ? <NoPaymentYet order={order} /> : null}
      {late && !unpaid ? (
        <Notice className="mt-6" title="It is safe to leave this page">
          <p>
            This takes a little longer than usual. Your payment goes on without you: your order shows how it
            stands, and we will write to you once it is paid.
          </p>
        </Notice>
      ) : null}
      <OrderOutcome order={order} />
    </>
  );
}

/** Shown when the order can't be loaded; polling goes on by itself, and what is shown does not change meanwhile. */
function Unreachable({ query }: { query: { error: unknown } }) {
  return (
    <>
      <h1 className="sr-only">Your order</h1>
      <Notice title="Estuary can’t be reached just now">
        <p>
          Your order shows how its payment stands as soon as your connection is back. You may leave this page:
          your payment goes on without you, and it is among your orders. Don’t pay again before you have
          looked.
        </p>
        {query.error ? <GetHelp error={query.error} /> : null}
      </Notice>
    </>
  );
}

/** Stripe has no payment so far. One that is under way may still arrive, and is never taken twice. */
function NoPaymentYet({ order }: { order: OrderDetail }) {
  const left = useSecondsLeft(order.expires_at);
  const checkoutHref = checkoutPathOf(order);
  if (left === 0) {
    return (
      <Notice className="mt-6" title="The time to pay is over">
        <p>
          The payment is being ended at Stripe. Stay a moment: this page says what came of it. A payment that
          still arrives is returned in full.
        </p>
      </Notice>
    );
  }
  return (
    <Notice className="mt-6" title="Stripe has no payment for this order so far">
      <p>
        If your bank has just agreed, wait a moment: we keep asking. Otherwise go on paying here. It can’t be
        taken twice.
      </p>
      <HoldCountdown until={order.expires_at} keepsPlace={holdsPlace(order)} />
      <div className="mt-3 flex flex-wrap gap-3">
        {checkoutHref ? (
          <ButtonLink href={checkoutHref} size="small">
            Go on paying
          </ButtonLink>
        ) : null}
        <CancelOrder order={order} />
      </div>
    </Notice>
  );
}
