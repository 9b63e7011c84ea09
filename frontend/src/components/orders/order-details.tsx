"use client";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import type { OrderDetail } from "@/api/generated";
import { isNotFound } from "@/api/problem";
import { CancelOrder } from "@/components/checkout/cancel-order";
import { checkoutPathOf, holdsPlace } from "@/components/checkout/checkout-path";
import { HoldCountdown } from "@/components/checkout/hold";
import { OrderAgain } from "@/components/checkout/order-again";
import { OrderNotFound } from "@/components/checkout/order-not-found";
import { bankWaitText, canceledText } from "@/components/checkout/order-outcome";
import { useOrderPolling } from "@/components/checkout/use-order-polling";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Loading } from "@/components/ui/loading";
import { LoadError, Notice } from "@/components/ui/notice";
import { ServiceData } from "@/components/ui/service-data";
import { formatMoney } from "@/lib/money";
import { ORDER_STATUSES, REFUND_STATUSES } from "@/lib/status-labels";
import { formatTimestamp, spanAt } from "@/lib/time";
import { DisputeNotice } from "./dispute-notice";
import { Receipt } from "./receipt";
import { destinationText, durationText, FAILED_REFUND_TEXT, hasFailed } from "./refund-text";
import { Timeline } from "./timeline";

export function OrderDetails({ id }: { id: string }) {
  const { order, query, isAsked } = useOrderPolling(id, { atOnce: true });
  const canceled = useSearchParams().get("canceled") === "1";
  if (!order && !query.error) return <Loading rows={4} />;
  if (!order && isNotFound(query.error)) return <OrderNotFound />;
  if (!order) {
    return (
      <>
        <h1 className="sr-only">Order</h1>
        <LoadError query={query} />
      </>
    );
  }
  return <OrderView order={order} cameBack={canceled} isAsked={isAsked} />;
}

type OrderViewProps = { order: OrderDetail; cameBack: boolean; isAsked: boolean };

function OrderView({ order, cameBack, isAsked }: OrderViewProps) {
  return (
    <>
      <Heading order={order} />
      {order.status === "pending" || order.status === "failed" ? (
        <UnpaidNotice order={order} cameBack={cameBack} isAsked={isAsked} />
      ) : null}
      {order.status === "processing" ? <BankNotice order={order} /> : null}
      {order.status === "canceled" ? <CanceledNotice order={order} /> : null}
      {order.dispute ? <DisputeNotice dispute={order.dispute} /> : null}
      <div className="grid gap-5 lg:grid-cols-[1.3fr_1fr] lg:items-start">
        <div className="grid gap-5">
          <Receipt order={order} />
          <div className="no-print contents">
            <Bookings order={order} />
            <SentAlong order={order} />
          </div>
        </div>
        <div className="no-print grid gap-5">
          <Refunds order={order} />
          <Timeline order={order} />
        </div>
      </div>
    </>
  );
}

function Heading({ order }: { order: OrderDetail }) {
  const state = ORDER_STATUSES[order.status ?? "pending"];
  return (
    <>
      <nav aria-label="Breadcrumb" className="no-print mb-2">
        <Link
          href="/orders/"
          className="inline-flex min-h-11 items-center text-tide underline underline-offset-4"
        >
          All orders
        </Link>
      </nav>
      <header className="mb-6">
        <Badge tone={state.tone}>{state.label}</Badge>
        <h1 className="mt-2 font-display text-title tracking-tight">{order.title}</h1>
        <p className="text-base text-soft">
          Order <span className="break-all">{order.order_id}</span>, {formatTimestamp(order.created_at)}
        </p>
      </header>
    </>
  );
}

/** An unpaid order. Until Stripe has responded it may be paid, with the webhook still on its way. */
function UnpaidNotice({ order, cameBack, isAsked }: OrderViewProps) {
  const payHref = checkoutPathOf(order);
  if (!isAsked)
    return (
      <Notice className="no-print mb-6" title="Asking Stripe how this payment stands">
        <p>One moment, please.</p>
      </Notice>
    );
  return (
    <Notice
      className="no-print mb-6"
      title={cameBack ? "You came back without paying" : "This is not paid yet"}
    >
      {order.failure?.message ? <p>{order.failure.message}</p> : null}
      <HoldCountdown until={order.expires_at} keepsPlace={holdsPlace(order)} />
      <TimesNotHeld order={order} />
      <div className="mt-3 flex flex-wrap gap-3">
        {payHref ? (
          <ButtonLink href={payHref} size="small">
            Pay now
          </ButtonLink>
        ) : null}
        <CancelOrder order={order} />
      </div>
    </Notice>
  );
}

/** An unpaid order holds three times at most; this lists the others. */
function TimesNotHeld({ order }: { order: OrderDetail }) {
  const open = order.lines.filter((line) => line.wished_start_datetime && !line.start_datetime);
  if (open.length === 0) return null;
  return (
    <details className="mt-3">
      <summary className="cursor-pointer font-semibold">
        {open.length === 1 ? "One more time is" : `${open.length} more times are`} booked when you pay
      </summary>
      <p className="mt-1 text-base text-soft">
        Until then somebody else may take {open.length === 1 ? "it" : "them"}; you would choose another time
        afterwards, at no cost.
      </p>
      <ul className="mt-1 grid gap-1 text-base text-soft">
        {open.map((line) => (
          <li key={line.position}>
            {line.service_name}: {formatTimestamp(line.wished_start_datetime ?? "")}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The bank processes the payment: until when the place is held, and what happens then. */
function BankNotice({ order }: { order: OrderDetail }) {
  return (
    <Notice className="no-print mb-6" title="Your bank is working on this payment">
      <p>{bankWaitText(order)}</p>
    </Notice>
  );
}

/** Why an order has ended unpaid, and a way to take the same again. */
function CanceledNotice({ order }: { order: OrderDetail }) {
  return (
    <Notice className="no-print mb-6" title="This order was canceled">
      <p className="mb-3">{canceledText(order)}</p>
      <OrderAgain order={order} />
    </Notice>
  );
}

function Bookings({ order }: { order: OrderDetail }) {
  const bookings = order.bookings.filter((booking) => booking.start_datetime ?? booking.needs_scheduling);
  if (bookings.length === 0) return null;
  return (
    <Card>
      <CardTitle>Bookings</CardTitle>
      <MissedTimes order={order} />
      <ul className="mt-3 grid gap-3">
        {bookings.map((booking) => (
          <li key={booking.id} className="flex flex-wrap items-baseline justify-between gap-x-4">
            <span className="font-semibold">{booking.service_name}</span>
            <span className="text-base text-soft">
              {booking.status === "canceled"
                ? booking.price_kept
                  ? "Canceled, its price is kept"
                  : "Canceled"
                : booking.start_datetime
                  ? spanAt(booking.start_datetime, booking.end_datetime, booking.venue?.time_zone).text
                  : "To be scheduled"}
            </span>
          </li>
        ))}
      </ul>
      <ButtonLink href="/bookings/" look="quiet" size="small" className="no-print mt-4">
        To your bookings
      </ButtonLink>
    </Card>
  );
}

/** Times that were not free any more when the payment arrived; the buyer can choose other times. */
function MissedTimes({ order }: { order: OrderDetail }) {
  const missed = order.bookings.filter((booking) => booking.missed_start_datetime);
  if (missed.length === 0) return null;
  const one = missed.length === 1;
  return (
    <Notice
      className="mt-3"
      title={one ? "One time was not free any more" : `${missed.length} times were not free any more`}
    >
      <p>
        {missed.map((booking) => formatTimestamp(booking.missed_start_datetime ?? "")).join(", ")}{" "}
        {one ? "was" : "were"} not free any more when your payment came. What you paid for{" "}
        {one ? "it" : "them"} is not lost.
      </p>
      <Link
        href="/bookings/"
        className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
      >
        Choose {one ? "another time" : "other times"}
      </Link>
    </Notice>
  );
}

/** What was sent with the order for whoever delivers it. */
function SentAlong({ order }: { order: OrderDetail }) {
  if (Object.keys(order.service_data).length === 0) return null;
  return (
    <Card>
      <CardTitle>Sent with your order</CardTitle>
      <ServiceData data={order.service_data} className="mt-3" />
    </Card>
  );
}

function Refunds({ order }: { order: OrderDetail }) {
  if (order.refunds.length === 0) return null;
  return (
    <Card>
      <CardTitle>Refunds</CardTitle>
      <ul className="mt-3 grid gap-3">
        {order.refunds.map((refund) => (
          <li key={refund.refund_id}>
            <p className="flex justify-between gap-4 font-semibold">
              <span>{REFUND_STATUSES[refund.status] ?? refund.status}</span>
              <span className="tabular">{formatMoney(refund.amount, order.currency)}</span>
            </p>
            <p className="text-base text-soft">
              {formatTimestamp(refund.created_at)}: {destinationText(refund, order.currency)}
            </p>
            <p className="text-base text-soft">
              {hasFailed(refund) ? FAILED_REFUND_TEXT : durationText(refund)}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
