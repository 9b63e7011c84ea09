import type { OrderDetail } from "@/api/generated";
import { Card, CardTitle } from "@/components/ui/card";
import { cn } from "@/lib/cn";
import { formatMoney, isZero, toDecimal, toMinor } from "@/lib/money";

type Row = { label: string; amount: string; strong?: boolean };

/** The lines of an order and how it was paid. */
export function Receipt({ order }: { order: OrderDetail }) {
  const sums: Row[] = [
    { label: "Total", amount: order.amount, strong: true },
    ...payments(order).filter(({ amount }) => !isZero(amount)),
  ];
  return (
    <Card>
      <CardTitle>{isPaid(order) ? "Receipt" : "What it comes to"}</CardTitle>
      <dl className="tabular mt-4">
        {groupLines(order).map(({ label, amount }) => (
          <Line key={label + amount} label={label} amount={formatMoney(amount, order.currency)} />
        ))}
      </dl>
      <dl className="tabular mt-3 border-line border-t pt-3">
        {sums.map((row) => (
          <Line
            key={row.label}
            label={row.label}
            amount={formatMoney(row.amount, order.currency)}
            strong={row.strong}
          />
        ))}
      </dl>
    </Card>
  );
}

/** Whether an order was paid; only then there is a receipt. */
export const isPaid = ({ status }: OrderDetail) => status !== undefined && !UNPAID.has(status);

const UNPAID = new Set(["pending", "processing", "failed", "canceled"]);
const DUE: Record<string, string> = {
  pending: "To pay",
  failed: "To pay",
  processing: "On its way from your bank",
};

/** Returns how an order was or will be paid. A canceled unpaid order owes nothing. */
function payments(order: OrderDetail): Row[] {
  if (order.status === "canceled") return [];
  return [
    { label: "From credits", amount: order.credits_applied },
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

function Line({ label, amount, strong }: { label: string; amount: string; strong?: boolean }) {
  return (
    <div className={cn("flex justify-between gap-4 py-1", strong && "font-semibold")}>
      <dt>{label}</dt>
      <dd>{amount}</dd>
    </div>
  );
}
