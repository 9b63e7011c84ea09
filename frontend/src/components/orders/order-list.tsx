"use client";
import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { formatMoney } from "@/lib/money";
import { useOrders } from "@/lib/queries";
import { ORDER_STATUSES } from "@/lib/status-labels";
import { formatTimestamp } from "@/lib/time";

export function OrderList() {
  const orders = useOrders();
  if (orders.isPending) return <Loading />;
  if (orders.isError) return <LoadError query={orders} />;
  const results = orders.data.pages.flatMap((page) => page.results);
  if (results.length === 0) {
    return (
      <EmptyState title="No orders yet" action={<ButtonLink href="/">See what is offered</ButtonLink>}>
        <p>What you buy, and its receipt, will be here.</p>
      </EmptyState>
    );
  }
  return (
    <>
      <ul className="grid gap-3">
        {results.map((order) => {
          const state = ORDER_STATUSES[order.status ?? "pending"];
          return (
            <li key={order.order_id}>
              <Link
                href={`/orders/?id=${order.order_id}`}
                className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 rounded-2xl border border-line bg-card px-5 py-4 transition-shadow hover:shadow-lift"
              >
                <span className="min-w-0">
                  <span className="block font-semibold">{order.title}</span>
                  <span className="text-base text-soft">{formatTimestamp(order.created_at)}</span>
                </span>
                <span className="flex items-center gap-4">
                  <Badge tone={state.tone}>{state.label}</Badge>
                  <span className="tabular font-semibold">{formatMoney(order.amount, order.currency)}</span>
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
      <LoadMore pages={orders} />
    </>
  );
}
