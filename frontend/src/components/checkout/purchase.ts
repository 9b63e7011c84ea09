import type { PaymentRequestRequest, ServiceDetail, ServiceType, Session } from "@/api/generated";
import { formatMoney, toMinor } from "@/lib/money";
import { priceOf } from "@/lib/price";
import { formatTimeSpan } from "@/lib/time";

/** What is about to be bought, priced by the server. */
export type Purchase = {
  title: string;
  detail: string;
  /** When it takes place; null when that is chosen later, or is not one moment. */
  when: string | null;
  /** What is to be known of times that are chosen once it is paid. */
  later: string | null;
  /** Whether a place is kept while it is not paid. */
  holds: boolean;
  type: ServiceType | "credits";
  seed: string;
  amount: string;
  currency: string;
  totalMinor: number;
  back: string;
  body: PaymentRequestRequest;
};

/** What the buyer has chosen of a service that takes place at a time. */
export type Time = { start?: string; date?: Session };

export function servicePurchase(
  service: ServiceDetail,
  currency: string,
  { start, date }: Time,
): Purchase | null {
  const price = priceOf(service, currency);
  if (!price) return null;
  const scheduling = start ? { start_datetime: start } : date ? { service_session_id: date.id } : undefined;
  return {
    title: service.name,
    detail: `with ${service.practitioner.name}`,
    when: start
      ? formatTimeSpan(start, null)
      : date
        ? formatTimeSpan(date.start_datetime, date.end_datetime)
        : null,
    later: schedulingText(service),
    holds: service.type === "course" || scheduling !== undefined,
    type: service.type,
    seed: service.slug,
    amount: price.amount,
    currency: price.currency,
    totalMinor: toMinor(price.amount, price.currency),
    back: `/services/?id=${service.id}`,
    body: {
      service_id: service.id,
      amount: price.amount,
      currency: price.currency,
      ...(scheduling ? { scheduling_data: scheduling } : {}),
    },
  };
}

function schedulingText({ type, validity_days: days }: ServiceDetail): string | null {
  if (type !== "package" && type !== "bundle") return null;
  return `You choose the times once it is paid, ${days ? `within ${days} days` : "whenever you like"}.`;
}

export function creditPurchase(amount: string, currency: string): Purchase {
  return {
    title: "Estuary credits",
    detail: "To spend on anything, with any practitioner",
    when: null,
    later: null,
    holds: false,
    type: "credits",
    seed: "credits",
    amount,
    currency,
    totalMinor: toMinor(amount, currency),
    back: "/credits/",
    body: { is_credit_purchase: true, amount, credit_amount: amount, currency },
  };
}

/** Returns what to say of an amount that is less than a card can be charged; null when it is enough. */
export function belowMinimumText(amount: string, currency: string, minimum: string): string | null {
  if (toMinor(amount, currency) >= toMinor(minimum, currency)) return null;
  return `${formatMoney(minimum, currency)} is the least that can be paid by card.`;
}
