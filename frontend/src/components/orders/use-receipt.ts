"use client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { OrderDetail, Receipt } from "@/api/generated";
import { Problem } from "@/api/problem";
import { toMinor } from "@/lib/money";
import { receiptQuery } from "@/lib/queries";

const ASK_AGAIN_MS = 4_000;
const LATE_AFTER_MS = 60_000;

/**
 * Fetches the receipt of a paid order, and asks again until it has its number and a credit note for each refund.
 *
 * `isLate`: this takes longer than usual, and the page stops asking.
 */
export function useReceipt(order: OrderDetail) {
  const [isLate, setLate] = useState(false);
  const query = useQuery({
    ...receiptQuery(order.order_id),
    refetchInterval: ({ state }) => (isDue(order, state.data, state.error) && !isLate ? ASK_AGAIN_MS : false),
  });
  const due = isDue(order, query.data, query.error);

  useEffect(() => {
    if (!due) return;
    const wait = setTimeout(() => setLate(true), LATE_AFTER_MS);
    return () => clearTimeout(wait);
  }, [due]);

  const hasFailed = query.error !== null && !isNotReady(query.error);
  return { receipt: query.data, isLate: isLate && due, hasFailed, query };
}

const isNotReady = (error: unknown) => error instanceof Problem && error.code === "receipt_not_ready";

/** Whether the worker has yet to issue the receipt, or a credit note. */
function isDue(order: OrderDetail, receipt: Receipt | undefined, error: unknown): boolean {
  if (!receipt) return !error || isNotReady(error);
  const minorOf = (amount: string) => toMinor(amount, order.currency);
  const noted = receipt.credit_notes.reduce((sum, note) => sum + minorOf(note.amount), 0);
  return noted !== minorOf(order.refunded);
}
