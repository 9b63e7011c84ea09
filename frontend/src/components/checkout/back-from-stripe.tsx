"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type OrderDetail, ordersRetrieve, ordersSyncCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Notice } from "@/components/ui/notice";
import { OWN_DATA } from "@/lib/queries";
import { useAccount } from "@/lib/use-account";
import { findSamePurchase } from "./bought-just-now";
import { returnPath } from "./order-in-doubt";
import type { Purchase } from "./purchase";

/** Shows the order's status to a buyer who left Stripe's hosted page: the order may be paid all the same. */
export function BackFromStripe({ purchase }: { purchase: Purchase }) {
  const account = useAccount();
  const standing = useQuery({
    queryKey: [OWN_DATA, "came-back", JSON.stringify(purchase.body)],
    queryFn: () => fetchLatestOrder(purchase),
    enabled: Boolean(account),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const order = standing.data;
  if (standing.isLoading)
    return (
      <Notice className="mb-6" title="You came back from Stripe’s page">
        <p>Asking Stripe how your order stands…</p>
      </Notice>
    );
  const isUnpaid = order?.status === "pending" || order?.status === "failed";
  return (
    <Notice
      className="mb-6"
      title={isUnpaid ? "You came back without paying" : "You came back from Stripe’s page"}
    >
      {isUnpaid ? (
        <p>Pay here, or leave it.</p>
      ) : (
        <p>
          Have you paid there?{" "}
          <Link
            href={order ? returnPath(order.order_id) : "/orders/"}
            className="font-semibold underline underline-offset-4"
          >
            See how your order stands
          </Link>{" "}
          before you pay again.
        </p>
      )}
    </Notice>
  );
}

/** Returns the buyer's latest order for the same purchase, after the server synced it with Stripe. */
async function fetchLatestOrder({ body }: Purchase): Promise<OrderDetail | null> {
  const order = await findSamePurchase(body);
  if (!order) return null;
  const path = { public_id: order.order_id };
  await unwrap(ordersSyncCreate({ path }));
  return unwrap(ordersRetrieve({ path: { order_id: order.order_id } }));
}
