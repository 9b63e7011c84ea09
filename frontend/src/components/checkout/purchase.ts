import type {
  OrderDetail,
  PaymentRequestRequest,
  ServiceDetail,
  ServiceType,
  Session,
} from "@/api/generated";
import { formatMoney, toMinor } from "@/lib/money";
import { priceOf } from "@/lib/price";
import { formatTimestamp, ownZone, spanAt } from "@/lib/time";
import { sentWith } from "./checkout-path";

/** A purchase that is not yet placed, at the server's price. */
export type Purchase = {
  title: string;
  detail: string;
  /** The time; null when the buyer chooses it later. */
  when: string | null;
  /** The times of its parts, of an earlier order that is taken again. */
  times: string[];
  /** What is sent along for whoever delivers it. */
  sentAlong: Record<string, unknown>;
  /** A note on times that are chosen after the payment. */
  later: string | null;
  /** What cancelling returns, in the server's words; null for credits. */
  terms: string | null;
  /** Until when it can be canceled for free; null when it has no time yet. */
  freeUntil: string | null;
  /** Whether an unpaid order holds seats or a slot. */
  holds: boolean;
  type: ServiceType | "credits";
  seed: string;
  amount: string;
  currency: string;
  totalMinor: number;
  /** The smallest share that a card can pay. */
  minimumMinor: number;
  back: string;
  body: PaymentRequestRequest;
};

const HOUR_MS = 3_600_000;

/** The time that the buyer chose: the start of a slot, a session, or all meetings of a course; and the order taken again. */
export type Time = {
  start?: string;
  date?: Session;
  meetings?: readonly Session[];
  like?: OrderDetail;
};

export function servicePurchase(
  service: ServiceDetail,
  currencies: Parameters<typeof priceOf>[1],
  { start, date, meetings = [], like }: Time,
): Purchase | null {
  const price = priceOf(service, currencies);
  if (!price) return null;
  const zone = service.venue?.time_zone;
  const begins = start ?? date?.start_datetime ?? meetings[0]?.start_datetime;
  const sent = like ? sentWith(like) : {};
  const scheduling = schedulingOf({ start, date, meetings }) ?? sent.scheduling_data;
  const times = like && sent.scheduling_data ? timesOf(like) : [];
  return {
    title: service.name,
    detail: `with ${service.practitioner.name}`,
    when:
      meetings.length > 1
        ? `${meetings.length} meetings, the first ${whenText(begins, meetings[0]?.end_datetime ?? null, zone)}`
        : whenText(begins, (date ?? meetings[0])?.end_datetime ?? null, zone),
    times,
    sentAlong: sent.service_data ?? {},
    later: like && times.length > 0 && !hasOpenPart(like) ? null : schedulingText(service, times),
    terms: service.cancellation_terms,
    freeUntil: subtractHours(begins, service.free_cancel_hours ?? 24),
    holds: service.type === "course" || scheduling !== undefined,
    type: service.type,
    seed: service.slug,
    amount: price.amount,
    currency: price.currency,
    totalMinor: toMinor(price.amount, price.currency),
    minimumMinor: toMinor(price.minimum_charge, price.currency),
    back: `/services/?id=${service.id}`,
    body: {
      service_id: service.id,
      amount: price.amount,
      currency: price.currency,
      time_zone: ownZone(),
      ...sent,
      ...(scheduling ? { scheduling_data: scheduling } : {}),
    },
  };
}

/** Returns what the server needs of a chosen time. It refuses a date that was moved after it was shown here. */
function schedulingOf({ start, date, meetings = [] }: Time) {
  if (start) return { start_datetime: start };
  const shown = { shown_start_datetimes: (date ? [date] : meetings).map((one) => one.start_datetime) };
  if (date) return { service_session_id: date.id, ...shown };
  return meetings.length > 0 ? shown : undefined;
}

function whenText(start: string | undefined, end: string | null, zone?: string): string | null {
  if (!start) return null;
  const { text, own } = spanAt(start, end, zone);
  return own ? `${text} (your time: ${own})` : text;
}

function subtractHours(start: string | undefined, hours: number): string | null {
  return start ? new Date(Date.parse(start) - hours * HOUR_MS).toISOString() : null;
}

function timesOf({ lines }: OrderDetail): string[] {
  return lines.flatMap((line) => {
    const start = line.start_datetime ?? line.wished_start_datetime;
    return start ? [`${line.service_name}: ${formatTimestamp(start)}`] : [];
  });
}

/** Whether an order has a part whose time its buyer has not chosen. */
const hasOpenPart = ({ lines }: OrderDetail) =>
  lines.some(
    (line) =>
      line.service_type !== "course" &&
      !(line.start_datetime ?? line.wished_start_datetime) &&
      !(line.service_session_id ?? line.wished_service_session_id),
  );

function schedulingText({ type, validity_days: days }: ServiceDetail, chosen: string[]): string | null {
  if (type !== "package" && type !== "bundle") return null;
  const which = chosen.length > 0 ? "the other times" : "the times";
  return `You choose ${which} once it is paid, ${days ? `within ${days} days` : "whenever you like"}.`;
}

export function creditPurchase(amount: string, currency: string, minimum: string): Purchase {
  return {
    title: "Estuary credits",
    detail: "To spend on anything, with any practitioner",
    when: null,
    times: [],
    sentAlong: {},
    later: null,
    terms: `Credits are worth what you pay for them, and pay for anything that has a price in ${currency.toUpperCase()}.`,
    freeUntil: null,
    holds: false,
    type: "credits",
    seed: "credits",
    amount,
    currency,
    totalMinor: toMinor(amount, currency),
    minimumMinor: toMinor(minimum, currency),
    back: "/credits/",
    body: { is_credit_purchase: true, amount, credit_amount: amount, currency },
  };
}

/** Returns a message when an amount is below the smallest card charge; null when it is enough. */
export function belowMinimumText(amount: string, currency: string, minimum: string): string | null {
  if (toMinor(amount, currency) >= toMinor(minimum, currency)) return null;
  return `${formatMoney(minimum, currency)} is the least that can be paid by card.`;
}
