import type { OrderDetail, PaymentRequestRequest } from "@/api/generated";

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

/** Returns the checkout URL for the same purchase; null when the order does not name it. */
export function checkoutPathOf(order: OrderDetail): string | null {
  if (order.type === "credit") return `/checkout/?credits=${order.amount}`;
  if (!order.service?.id) return null;
  const scheduling = schedulingOf(order);
  const query = new URLSearchParams({ service: order.service.id });
  if (scheduling?.start_datetime) query.set("start", scheduling.start_datetime);
  if (scheduling?.service_session_id) query.set("session", String(scheduling.service_session_id));
  query.set("currency", order.currency);
  return `/checkout/?${query}`;
}

/** Whether an unpaid order holds seats or a slot. */
export const holdsPlace = (order: OrderDetail) =>
  order.lines.some((line) => line.start_datetime || line.service_session_id) ||
  order.service?.type === "course";
