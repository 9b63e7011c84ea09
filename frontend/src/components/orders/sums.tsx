import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A list of amounts, each with what it is for. */
export function Sums({ className, children }: { className?: string; children: ReactNode }) {
  return <dl className={cn("tabular", className)}>{children}</dl>;
}

type SumProps = { label: ReactNode; amount: string; strong?: boolean };

/** Long names wrap, also within a word; amounts do not. */
export function Sum({ label, amount, strong }: SumProps) {
  return (
    <div className={cn("flex justify-between gap-4 py-1", strong && "font-semibold")}>
      <dt className="min-w-0 [overflow-wrap:anywhere]">{label}</dt>
      <dd className="shrink-0 whitespace-nowrap">{amount}</dd>
    </div>
  );
}
