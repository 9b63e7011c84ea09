import type { OrderDetail } from "@/api/generated";
import { Card, CardTitle } from "@/components/ui/card";
import { LoadError } from "@/components/ui/notice";
import { formatMoney, isZero, toDecimal, toMinor } from "@/lib/money";
import { IssuedReceipt } from "./issued-receipt";
import { Sum, Sums } from "./sums";
import { useReceipt } from "./use-receipt";

type Row = { label: string; amount: string; strong?: boolean };

/** What an order comes to; once it is paid and numbered, its receipt. */
export function Receipt({ order }: { order: OrderDetail }) {
  return order.completed_at ? <PaidOrder order={order} /> : <OrderSums order={order} />;
}

/** The receipt, or until the worker has numbered it, the same sums without a number. */
function PaidOrder({ order }: { order: OrderDetail }) {
  const { receipt, isLate, hasFailed, query } = useReceipt(order);
  if (receipt) return <IssuedReceipt receipt={receipt} />;
  if (hasFailed) return <LoadError query={query} />;
  return (
    <OrderSums order={order}>
      <p role="status" className="mt-4 text-base text-soft">
        {isLate
          ? "Its receipt has no number yet. Come back later: it will be here, to print and to save."
          : "Its receipt gets a number within a minute."}
      </p>
    </OrderSums>
  );
}

/** The lines of an order and how it was paid. */
function OrderSums({ order, children }: { order: OrderDetail; children?: React.ReactNode }) {
  const sums: Row[] = [
    { label: "Total", amount: order.amount, strong: true },
    ...payments(order).filter(({ amount }) => !isZero(amount)),
  ];
  return (
    <Card>
      <CardTitle>{isPaid(order) ? "What you paid" : "What it comes to"}</CardTitle>
      <Sums className="mt-4">
        {groupLines(order).map(({ label, amount }) => (
          <Sum key={label + amount} label={label} amount={formatMoney(amount, order.currency)} />
        ))}
      </Sums>
      <Sums className="mt-3 border-line border-t pt-3">
        {sums.map((row) => (
          <Sum
            key={row.label}
            label={row.label}
            amount={formatMoney(row.amount, order.currency)}
            strong={row.strong}
          />
        ))}
      </Sums>
      {children}
    </Card>
  );
}

const isPaid = ({ status }: OrderDetail) => status !== undefined && !UNPAID.has(status);

const UNPAID = new Set(["pending", "processing", "failed", "canceled"]);
const DUE: Record<string, string> = {
  pending: "To pay",
  failed: "To pay",
  processing: "On its way from your bank",
};

/**
 * Returns how an order was or will be paid. A canceled unpaid order owes nothing. Credits spent on a paid order that was
 * never booked went back when it ended.
 */
function payments(order: OrderDetail): Row[] {
  if (order.status === "canceled") return [];
  const areCreditsBack = isPaid(order) && !order.completed_at;
  return [
    { label: areCreditsBack ? "From credits, given back" : "From credits", amount: order.credits_applied },
    { label: DUE[order.status ?? "pending"] ?? "Paid by card or bank", amount: order.amount_due },
    { label: "Refunded", amount: order.refunded, strong: true },
  ];
}

/** Returns the lines, with identical ones combined: "3 × Massage". */
function groupLines({ lines, currency }: OrderDetail): Row[] {
  const groups = Map.groupBy(lines, (line) => `${line.service_name} ${line.amount}`);
  return [...groups.values()].map((same) => {
    const [first] = same;
    const minor = same.reduce((sum, line) => sum + toMinor(line.amount, currency), 0);
    const times = same.length > 1 ? `${same.length} × ` : "";
    return { label: `${times}${first?.service_name ?? ""}`, amount: toDecimal(minor, currency) };
  });
}
