"use client";
import Link from "next/link";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { More } from "@/components/ui/more";
import { Failed } from "@/components/ui/notice";
import { Loading } from "@/components/ui/skeleton";
import { formatMoney } from "@/lib/money";
import { useOrders } from "@/lib/queries";
import { ORDER_STATES } from "@/lib/status-labels";
import { stamp } from "@/lib/time";

export function OrderList() {
  const orders = useOrders();
  if (orders.isPending) return <Loading />;
  if (orders.isError) return <Failed error={orders.error} retry={orders.refetch} />;
  const shown = orders.data.pages.flatMap((page) => page.results);
  if (shown.length === 0) {
    return (
      <Empty title="No orders yet" action={<ButtonLink href="/">See what is offered</ButtonLink>}>
        <p>What you buy, and its receipt, will be here.</p>
      </Empty>
    );
  }
  return (
    <>
      <ul className="grid gap-3">
        {shown.map((order) => {
          const state = ORDER_STATES[order.status ?? "pending"];
          return (
            <li key={order.order_id}>
              <Link
                href={`/orders/?id=${order.order_id}`}
                className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 rounded-2xl border border-line bg-card px-5 py-4 transition-shadow hover:shadow-lift"
              >
                <span className="min-w-0">
                  <span className="block font-semibold">{order.title}</span>
                  <span className="text-base text-soft">{stamp(order.created_at)}</span>
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
      <More pages={orders} />
    </>
  );
}
