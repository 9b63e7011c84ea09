import type { OrderDetail, PaymentRequestRequest } from "@/api/generated";
import { isZero } from "@/lib/money";

/** Returns the time that an order's buyer chose; undefined when there is none, or several. */
export function schedulingOf({
  service,
  lines: [line],
}: OrderDetail): PaymentRequestRequest["scheduling_data"] {
  if (service?.type === "session" && line?.start_datetime) return { start_datetime: line.start_datetime };
  if (service?.type === "workshop" && line?.service_session_id)
    return { service_session_id: line.service_session_id };
  return undefined;
}

/** Whether an order was sent more than a URL can hold: the times of several parts, or words for who delivers it. */
const hasMore = ({ scheduling_data: scheduling, service_data: data }: OrderDetail) =>
  Boolean(scheduling.items?.length) || Object.keys(data).length > 0;

/** Returns the parts of an order's request that no URL holds, to send them once more. */
export function sentWith({ scheduling_data: scheduling, service_data: data }: OrderDetail) {
  return {
    ...(scheduling.items?.length ? { scheduling_data: { items: scheduling.items } } : {}),
    ...(Object.keys(data).length > 0 ? { service_data: data } : {}),
  };
}

/** Returns the checkout URL for the same purchase; null when the order does not name it. */
export function checkoutPathOf(order: OrderDetail): string | null {
  if (order.type === "credit") return `/checkout/?credits=${order.amount}`;
  if (!order.service?.id) return null;
  const scheduling = schedulingOf(order);
  const query = new URLSearchParams({ service: order.service.id });
  if (scheduling?.start_datetime) query.set("start", scheduling.start_datetime);
  if (scheduling?.service_session_id) query.set("session", String(scheduling.service_session_id));
  query.set("currency", order.currency);
  if (!isZero(order.credits_applied)) query.set("use_credits", "1");
  if (hasMore(order)) query.set("same_as", order.order_id);
  return `/checkout/?${query}`;
}

/** Whether an unpaid order holds seats or a slot. */
export const holdsPlace = (order: OrderDetail) =>
  order.lines.some((line) => line.start_datetime || line.service_session_id) ||
  order.service?.type === "course";
