"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type OrderDetail, ordersSyncCreate } from "@/api/generated";
import { isNotFound, unwrap } from "@/api/problem";
import { OWN_DATA, orderQuery } from "@/lib/queries";
import { useSteady } from "@/lib/steady";

const ASK_STRIPE_AFTER_MS = [2_000, 6_000, 15_000];
const ASK_STRIPE_EVERY_MS = 30_000;
const LATE_AFTER_MS = 10_000;

/**
 * Polls an order until it is settled, and lets the server ask Stripe when the webhook is late.
 *
 * - `isAsked`: Stripe has responded. Before that, nobody knows whether the order is paid.
 * - An order that is `failed` counts as pending until then: another card may have paid for it meanwhile.
 * - `late`: this takes longer than usual.
 */
export function useOrderPolling(orderId: string, { atOnce = false } = {}) {
  const client = useQueryClient();
  const [late, setLate] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const isOpen = (order: OrderDetail | undefined) =>
    !order || order.status === "pending" || (order.status === "failed" && !isAsked);
  const polled = useQuery({
    ...orderQuery(orderId),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      isOpen(state.data) && !isNotFound(state.error) ? (late ? 5_000 : 1_000) : false,
  });
  const query = useSteady(polled, orderId);
  const open = isOpen(query.data) && !isNotFound(query.error);
  const doubtful = query.data?.status === "failed" && !isAsked;

  useEffect(() => {
    if (!open) return;
    const stop = pollStripe(doubtful || atOnce, async () => {
      await unwrap(ordersSyncCreate({ path: { public_id: orderId } }));
      await client.invalidateQueries({ queryKey: orderQuery(orderId).queryKey });
      setAsked(true);
    });
    const wait = setTimeout(() => setLate(true), LATE_AFTER_MS);
    return () => {
      stop();
      clearTimeout(wait);
    };
  }, [open, doubtful, atOnce, orderId, client]);

  useInvalidateOnSettled(!open);

  const order: OrderDetail | undefined =
    query.data && doubtful ? { ...query.data, status: "pending" } : query.data;
  return { order, query, late: late && open, isAsked };
}

/** Calls `ask` with growing pauses, also after a failure; returns a function that stops it. */
function pollStripe(atOnce: boolean, ask: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let stopped = false;
  const next = ([pause = ASK_STRIPE_EVERY_MS, ...later]: number[]) => {
    timer = setTimeout(async () => {
      await ask().catch(() => undefined);
      if (!stopped) next(later);
    }, pause);
  };
  next(atOnce ? [0, ...ASK_STRIPE_AFTER_MS] : ASK_STRIPE_AFTER_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Invalidates the buyer's bookings, orders, credits and cards once an order is settled. */
function useInvalidateOnSettled(settled: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!settled) return;
    for (const changed of ["bookings", "orders", "credits", "cards"]) {
      void client.invalidateQueries({ queryKey: [OWN_DATA, changed] });
    }
  }, [settled, client]);
}
