import type { OrderDetail } from "@/api/generated";
import { ButtonLink } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Notice } from "@/components/ui/notice";
import { Place } from "@/components/ui/place";
import { TimeSpan } from "@/components/ui/time-span";
import { formatMoney, isZero } from "@/lib/money";
import { formatTimestamp } from "@/lib/time";
import { useAccount } from "@/lib/use-account";
import { checkoutPathOf } from "./checkout-path";
import { NOTHING_WAS_CHARGED } from "./declined";
import { OrderAgain } from "./order-again";

/** The outcome of an order, and the next step. */
export function OrderOutcome({ order }: { order: OrderDetail }) {
  switch (order.status) {
    case "pending":
      return null;
    case "processing":
      return (
        <WithOrderLink orderId={order.order_id}>
          <p>{bankWaitText(order)}</p>
        </WithOrderLink>
      );
    case "failed":
      return <PaymentDeclined order={order} />;
    case "canceled":
      return (
        <div className="mt-6 grid gap-5">
          <p>{canceledText(order)}</p>
          <OrderAgain order={order} />
          <ButtonLink href="/" look="quiet">
            See what is offered
          </ButtonLink>
        </div>
      );
    case "paid":
      return (
        <WithOrderLink orderId={order.order_id}>
          <p>
            Your payment came too late for what it was for. We are sorry. All of the{" "}
            {formatMoney(order.amount_due, order.currency)} goes back by itself.
          </p>
        </WithOrderLink>
      );
    case "refunded":
      return (
        <WithOrderLink orderId={order.order_id}>
          <p>{formatMoney(order.refunded, order.currency)} went back to you.</p>
        </WithOrderLink>
      );
    default:
      return (
        <>
          <PaidNote order={order} />
          {order.type === "credit" ? <CreditsAdded order={order} /> : <BookedTimes order={order} />}
        </>
      );
  }
}

/** What was paid, and the address that the confirmation goes to. */
function PaidNote({ order }: { order: OrderDetail }) {
  const account = useAccount();
  return (
    <p className="mt-6">
      {paidText(order)}
      {account ? (
        <>
          {" "}
          The confirmation goes to <span className="break-words font-semibold">{account.email}</span>.
        </>
      ) : null}
    </p>
  );
}

function paidText({ amount_due, credits_applied, currency }: OrderDetail): string {
  const card = formatMoney(amount_due, currency);
  const credits = formatMoney(credits_applied, currency);
  if (isZero(credits_applied)) return `You have paid ${card}.`;
  if (isZero(amount_due)) return `You have paid ${credits} with credits.`;
  return `You have paid ${card}, and ${credits} with credits.`;
}

/** Says why an order was canceled. Its payment was canceled at Stripe first; a later one is among its refunds. */
export function canceledText(order: OrderDetail): string {
  const { type, failure, refunds, refunded, currency } = order;
  const over = "The time to pay was over, so what was kept for you is free for others again. ";
  const why = hasRunOut(order) ? over : failure?.message ? `${failure.message} ` : "";
  if (!isZero(refunded))
    return `${why}A payment arrived after that: ${formatMoney(refunded, currency)} went back to you.`;
  if (refunds.length > 0) return `${why}A payment arrived after that, and is on its way back to you in full.`;
  const ifLate = type === "credit" ? "it still buys your credits" : "all of it is returned";
  return `${why}Its payment was ended at Stripe, and nothing is owed for it. Should one come after all, ${ifLate}.`;
}

/** Stripe's reasons for the end of a hold. An order that is replaced or called off has them too, but sooner. */
const HOLD_ENDED = new Set(["abandoned", "expired"]);

/** Whether an order was canceled because the time to pay was over. */
function hasRunOut({ cancel_reason: reason, timeline, expires_at: until }: OrderDetail): boolean {
  const end = timeline.find(({ after }) => after === "canceled");
  return HOLD_ENDED.has(reason ?? "") && end !== undefined && Date.parse(end.at) >= Date.parse(until);
}

function PaymentDeclined({ order }: { order: OrderDetail }) {
  const checkoutHref = checkoutPathOf(order);
  return (
    <div className="mt-6 grid gap-5">
      <Notice kind="bad" title={NOTHING_WAS_CHARGED}>
        <p>{order.failure?.message || "Your bank did not agree. Another card often works."}</p>
      </Notice>
      {checkoutHref ? <ButtonLink href={checkoutHref}>Try again</ButtonLink> : null}
    </div>
  );
}

function CreditsAdded({ order }: { order: OrderDetail }) {
  return (
    <div className="mt-6 grid gap-5">
      <p className="text-lg">
        {formatMoney(order.credit_amount, order.currency)} were added to your credits.
      </p>
      <div className="flex flex-wrap gap-3">
        <ButtonLink href="/credits/">See your credits</ButtonLink>
        <ButtonLink href="/" look="quiet">
          Spend them
        </ButtonLink>
        <ButtonLink href={`/orders/?id=${order.order_id}`} look="quiet">
          Receipt
        </ButtonLink>
      </div>
    </div>
  );
}

function BookedTimes({ order }: { order: OrderDetail }) {
  const timed = order.bookings.filter((booking) => booking.start_datetime && booking.status !== "canceled");
  const open = order.bookings.filter((booking) => booking.needs_scheduling);
  const missed = open.filter((booking) => booking.missed_start_datetime).length;
  return (
    <Card className="mt-6">
      {timed.length > 0 ? (
        <ul className="grid gap-3">
          {timed.map((booking) => (
            <li key={booking.id}>
              <p className="font-semibold">{booking.service_name}</p>
              <p className="text-soft">
                <TimeSpan
                  start={booking.start_datetime ?? ""}
                  end={booking.end_datetime}
                  zone={booking.venue?.time_zone}
                />
              </p>
              <Place venue={booking.venue} location={booking.location} className="mt-1" />
            </li>
          ))}
        </ul>
      ) : null}
      {missed > 0 ? (
        <p className={timed.length ? "mt-4" : ""}>
          {missed === 1 ? "One time that you chose was" : `${missed} times that you chose were`} not free any
          more when your payment came. What you paid for {missed === 1 ? "it" : "them"} is not lost.
        </p>
      ) : null}
      {open[0] ? (
        <p className={timed.length ? "mt-4" : ""}>{unscheduledText(open.length, open[0].valid_until)}</p>
      ) : null}
      <div className="mt-6 flex flex-wrap gap-3">
        <ButtonLink href="/bookings/">{open.length ? "Choose your times" : "See your bookings"}</ButtonLink>
        <ButtonLink href={`/orders/?id=${order.order_id}`} look="quiet">
          Receipt
        </ButtonLink>
      </div>
    </Card>
  );
}

function unscheduledText(parts: number, until: string | null): string {
  const needs = parts === 1 ? "One part still needs a time" : `${parts} parts still need a time`;
  return `${needs}: choose it ${until ? `by ${formatTimestamp(until)}` : "whenever you like"}.`;
}

function WithOrderLink({ orderId, children }: { orderId: string; children: React.ReactNode }) {
  return (
    <div className="mt-6 grid gap-5">
      {children}
      <ButtonLink href={`/orders/?id=${orderId}`}>See the order</ButtonLink>
    </div>
  );
}

/** Says how long the bank may take, and until when the place is held. */
export function bankWaitText({ kept_until: keptUntil }: OrderDetail): string {
  const keeps = keptUntil
    ? `Your place is kept until ${formatTimestamp(keptUntil)}. Should your bank not have paid by then, the order ends, and money that comes later goes back to you. `
    : "";
  return `This may take some days. ${keeps}We will write to you when the payment is through, and when it fails.`;
}
