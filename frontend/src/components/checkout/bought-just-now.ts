import {
  type Order,
  type OrderDetail,
  ordersList,
  ordersRetrieve,
  type PaymentRequestRequest,
} from "@/api/generated";
import { Problem, ReadableError, unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { toMinor } from "@/lib/money";

const MINUTE_MS = 60_000;
const RECENT_MIN = 10;
const BOUGHT = new Set(["completed", "processing", "partially_refunded"]);
const PAID_ELSEWHERE = new Set(["already_paid", "payment_processing"]);

/** The buyer has bought the same within the last minutes and must confirm the repeat. */
export class BoughtJustNow extends ReadableError {
  constructor(
    readonly orderId: string,
    boughtAt: string,
  ) {
    super(`You bought this ${timeAgoText(boughtAt)}. Once more?`);
  }
}

function timeAgoText(moment: string): string {
  const minutes = Math.round((serverNow() - Date.parse(moment)) / MINUTE_MS);
  return minutes > 1 ? `${minutes} minutes ago` : "a minute ago";
}

/** Returns the latest order for the same purchase, in any status. */
export async function findSamePurchase(body: PaymentRequestRequest): Promise<Order | undefined> {
  const { results } = await unwrap(ordersList({ query: {} }));
  return results.find((order) => isSamePurchase(order, body));
}

/** Whether an order buys the same service, or as many credits. */
export function isSamePurchase(order: Order, body: PaymentRequestRequest): boolean {
  if (!body.is_credit_purchase) return order.service?.id === String(body.service_id);
  const amount = String(body.amount ?? "0");
  return (
    order.type === "credit" &&
    order.currency === body.currency &&
    toMinor(order.amount, order.currency) === toMinor(amount, order.currency)
  );
}

/**
 * Throws BoughtJustNow when the buyer paid for the same purchase in the last minutes, in this tab or another.
 *
 * `paying` is the order to be paid now. `confirmed` is the last one that the buyer has seen and bought the same once
 * more: nor do the orders before it count. A purchase with a time needs no such check: the server refuses a second
 * booking, and another time is another purchase.
 */
export async function refuseRepeat(
  body: PaymentRequestRequest,
  { paying, confirmed }: { paying?: string; confirmed?: string },
): Promise<void> {
  if (body.scheduling_data) return;
  const { results } = await unwrap(ordersList({ query: {} }));
  // The newest come first. A later order that is not paid does not hide one that is.
  for (const order of results) {
    if (order.order_id === confirmed) return;
    if (order.order_id !== paying && isSamePurchase(order, body) && isBoughtJustNow(order))
      throw new BoughtJustNow(order.order_id, boughtAt(order));
  }
}

const boughtAt = (order: Order) => order.completed_at ?? order.created_at;

const isBoughtJustNow = (order: Order) =>
  BOUGHT.has(order.status ?? "") && serverNow() - Date.parse(boughtAt(order)) < RECENT_MIN * MINUTE_MS;

/** Turns the API's error `bought_just_now` into BoughtJustNow; returns any other error unchanged. */
export function toBoughtJustNow(error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== "bought_just_now") return error;
  const { order_id: orderId, bought_at: boughtAt } = error.extra;
  return new BoughtJustNow(String(orderId), typeof boughtAt === "string" ? boughtAt : "");
}

/**
 * Returns the order that the API's error names, when it paid for this very purchase; otherwise null.
 *
 * Another tab, or Stripe's hosted page, was faster. An order for another amount or time is another purchase.
 */
export async function findOrderPaidElsewhere(
  error: unknown,
  body: PaymentRequestRequest,
): Promise<string | null> {
  if (!(error instanceof Problem) || !PAID_ELSEWHERE.has(error.code)) return null;
  try {
    const order = await unwrap(ordersRetrieve({ path: { order_id: String(error.extra.order_id) } }));
    return isSamePurchase(order, body) && isSameTime(order, body) ? order.order_id : null;
  } catch {
    return null;
  }
}

export function isSameTime(
  { lines: [line] }: OrderDetail,
  { scheduling_data: time }: PaymentRequestRequest,
): boolean {
  if (time?.service_session_id) return line?.service_session_id === String(time.service_session_id);
  if (time?.start_datetime) return Date.parse(line?.start_datetime ?? "") === Date.parse(time.start_datetime);
  return true;
}
