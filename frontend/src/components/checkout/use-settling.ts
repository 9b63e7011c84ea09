"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type OrderDetail, ordersSyncCreate } from "@/api/generated";
import { answerOf, isNone } from "@/api/problem";
import { MINE, orderQuery } from "@/lib/queries";

const ASK_STRIPE_AFTER_MS = 2_000;
const LATE_AFTER_MS = 10_000;

/**
 * Polls an order until it is settled, asks Stripe once when the webhook is late, and says when it takes long.
 *
 * An order that is `failed` may only not know yet that another card has paid it: that counts as settled once Stripe
 * has been asked.
 */
export function useSettling(orderId: string) {
  const client = useQueryClient();
  const [late, setLate] = useState(false);
  const [asked, setAsked] = useState(false);
  const isOpen = (order: OrderDetail | undefined) =>
    !order || order.status === "pending" || (order.status === "failed" && !asked);
  const query = useQuery({
    ...orderQuery(orderId),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      isOpen(state.data) && !isNone(state.error) ? (late ? 5_000 : 1_000) : false,
  });
  const open = isOpen(query.data) && !query.isError;
  const doubtful = query.data?.status === "failed" && !asked;

  useEffect(() => {
    if (!open) return;
    const ask = setTimeout(
      async () => {
        await answerOf(ordersSyncCreate({ path: { public_id: orderId } })).catch(() => undefined); // the poll goes on
        await client.invalidateQueries({ queryKey: orderQuery(orderId).queryKey });
        setAsked(true);
      },
      doubtful ? 0 : ASK_STRIPE_AFTER_MS,
    );
    const wait = setTimeout(() => setLate(true), LATE_AFTER_MS);
    return () => {
      clearTimeout(ask);
      clearTimeout(wait);
    };
  }, [open, doubtful, orderId, client]);

  useForgetWhatChanged(!open);

  const order: OrderDetail | undefined =
    query.data && doubtful ? { ...query.data, status: "pending" } : query.data;
  return { order, error: query.error, retry: query.refetch, late: late && open };
}

/** Once an order is settled, what was known of the buyer's things before it is old. */
function useForgetWhatChanged(settled: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!settled) return;
    for (const changed of ["bookings", "orders", "credits", "cards"]) {
      void client.invalidateQueries({ queryKey: [MINE, changed] });
    }
  }, [settled, client]);
}
