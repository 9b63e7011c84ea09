"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type OrderDetail, ordersSyncCreate } from "@/api/generated";
import { answerOf, Problem } from "@/api/problem";
import { MINE, orderQuery } from "@/lib/queries";

const ASK_STRIPE_AFTER_MS = 2_000;
const LATE_AFTER_MS = 10_000;

const isOpen = (order: OrderDetail | undefined) => !order || order.status === "pending";
const isNone = (error: unknown) => error instanceof Problem && error.status === 404;

/** Polls an order until it is settled, asks Stripe once when the webhook is late, and says when it takes long. */
export function useSettling(orderId: string) {
  const client = useQueryClient();
  const [late, setLate] = useState(false);
  const query = useQuery({
    ...orderQuery(orderId),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      isOpen(state.data) && !isNone(state.error) ? (late ? 5_000 : 1_000) : false,
  });
  const open = isOpen(query.data) && !query.isError;

  useEffect(() => {
    if (!open) return;
    const ask = setTimeout(async () => {
      await answerOf(ordersSyncCreate({ path: { public_id: orderId } })).catch(() => undefined); // the poll goes on
      void client.invalidateQueries({ queryKey: orderQuery(orderId).queryKey });
    }, ASK_STRIPE_AFTER_MS);
    const wait = setTimeout(() => setLate(true), LATE_AFTER_MS);
    return () => {
      clearTimeout(ask);
      clearTimeout(wait);
    };
  }, [open, orderId, client]);

  useEffect(() => {
    if (open) return;
    for (const changed of ["bookings", "orders", "credits", "cards"]) {
      void client.invalidateQueries({ queryKey: [MINE, changed] });
    }
  }, [open, client]);

  return { order: query.data, error: query.error, retry: query.refetch, late: late && open };
}
