import type { OrderBooking, OrderDateChange, OrderDetail, OrderMove, Transition } from "@/api/generated";
import { Card, CardTitle } from "@/components/ui/card";
import { formatMoney } from "@/lib/money";
import { ORDER_STATUSES } from "@/lib/status-labels";
import { formatTimestamp } from "@/lib/time";

/** One thing that happened to an order; `note` is a second sentence, `quote` somebody else's words. */
type Step = { at: string; key: string; title: string; note?: string; quote?: string };

/** What happened to an order, oldest first: payments, moves, cancellations and refunds. */
export function Timeline({ order }: { order: OrderDetail }) {
  return (
    <Card>
      <CardTitle>What happened</CardTitle>
      <ol className="mt-4 grid gap-4 border-line border-l-2 pl-5">
        {stepsOf(order).map((step) => (
          <li
            key={step.key}
            className="relative before:absolute before:top-2 before:-left-[1.65rem] before:size-2.5 before:rounded-full before:bg-tide"
          >
            <p className="font-semibold leading-snug">{step.title}</p>
            {step.note ? <p className="text-base">{step.note}</p> : null}
            {step.quote ? (
              <blockquote className="wrap-anywhere whitespace-pre-line border-line border-l-4 pl-3 text-base">
                {step.quote}
              </blockquote>
            ) : null}
            <p className="text-base text-soft">{formatTimestamp(step.at)}</p>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function stepsOf(order: OrderDetail): Step[] {
  const steps = [
    ...order.timeline.map((transition) => ({
      at: transition.at,
      key: `${transition.after} ${transition.at}`,
      title: titleOf(transition),
    })),
    ...order.moves.map((move) => moved(move, order.bookings)),
    ...order.date_changes.map(changed),
    ...order.bookings.flatMap(canceled),
    ...order.refunds.map(({ refund_id: id, created_at: at, amount }) => ({
      at,
      key: id,
      title: `Refund of ${formatMoney(amount, order.currency)} requested`,
    })),
  ];
  return steps.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

/** How much of an order is refunded: only a refund that fails afterwards leads back. */
const REFUNDED: Record<string, number> = { paid: 0, completed: 0, partially_refunded: 1, refunded: 2 };

function titleOf({ before = "", after }: Transition): string {
  if ((REFUNDED[after] ?? 0) < (REFUNDED[before] ?? 0)) return "A refund did not go through";
  return ORDER_STATUSES[after as keyof typeof ORDER_STATUSES]?.story ?? after;
}

function moved(move: OrderMove, bookings: OrderBooking[]): Step {
  const name = bookings.find(({ id }) => id === move.booking_id)?.service_name ?? "A booking";
  const from = formatTimestamp(move.from_datetime);
  return {
    at: move.at,
    key: `move ${move.booking_id} ${move.at}`,
    title: move.by_buyer ? `You moved ${name}` : `Our staff moved ${name}`,
    note: `From ${from} to ${formatTimestamp(move.to_datetime)}.`,
  };
}

function changed({ at, kind, line, practitioner, message }: OrderDateChange): Step {
  const what = kind === "move" ? "moved" : "called off";
  return {
    at,
    key: `${kind} ${line} ${at}`,
    title: `${line} was ${what}`,
    note: message ? `${practitioner} writes:` : `With ${practitioner}.`,
    quote: message,
  };
}

function canceled({ id, service_name: name, canceled_at: at, price_kept: kept }: OrderBooking): Step[] {
  if (!at) return [];
  return [
    {
      at,
      key: `canceled ${id}`,
      title: `${name} canceled`,
      note: kept ? "Its price is kept." : undefined,
    },
  ];
}
