"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type Order, ordersList } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { HoldCountdown } from "@/components/checkout/hold";
import { Notice } from "@/components/ui/notice";
import { OWN_DATA } from "@/lib/queries";

/** Orders that are not paid yet: what they hold is no booking, and is free for others when their time is over. */
export function UnpaidOrders() {
  const unpaid = useQuery({
    queryKey: [OWN_DATA, "orders", "unpaid"],
    queryFn: () => unwrap(ordersList()),
  });
  const open = (unpaid.data?.results ?? []).filter(isOpen);
  if (open.length === 0) return null;
  return (
    <section aria-labelledby="unpaid">
      <h2 id="unpaid" className="mb-4 font-display text-2xl">
        Not paid yet
      </h2>
      <ul className="grid gap-4">
        {open.map((order) => (
          <li key={order.order_id}>
            <Notice title={order.title}>
              <HoldCountdown until={order.expires_at} keepsPlace={order.type === "direct"} />
              <Link
                href={`/orders/?id=${order.order_id}`}
                className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
              >
                Pay, or cancel it
              </Link>
            </Notice>
          </li>
        ))}
      </ul>
    </section>
  );
}

const isOpen = ({ status, expires_at: until }: Order) =>
  (status === "pending" || status === "failed") && Date.parse(until) > serverNow();
