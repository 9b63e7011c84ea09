"use client";
import { useSearchParams } from "next/navigation";
import type { PaymentRequestRequest, ServiceType } from "@/api/generated";
import { toMinor } from "@/lib/money";
import { useConfig, useService, useSessions } from "@/lib/queries";
import { span } from "@/lib/time";
import { priceOf } from "@/lib/words";

/** What is about to be bought, as the address of the checkout says and the server prices. */
export type Purchase = {
  title: string;
  detail: string;
  when: string | null;
  type: ServiceType | "credits";
  seed: string;
  amount: string;
  currency: string;
  totalMinor: number;
  back: string;
  body: PaymentRequestRequest;
};

type Found = { purchase?: Purchase; error?: unknown; missing?: boolean; retry?: () => void };

export function usePurchase(): Found {
  const query = useSearchParams();
  const config = useConfig();
  const serviceId = query.get("service");
  const credits = query.get("credits");
  const start = query.get("start");
  const sessionId = query.get("session");
  const known = serviceId && /^\d+$/.test(serviceId) ? serviceId : null;
  const service = useService(known);
  const sessions = useSessions(known ?? "", known !== null && sessionId !== null);
  if (config.isError) return { error: config.error, retry: config.refetch };
  if (service.isError) return { error: service.error, retry: service.refetch };
  if (!known && !(credits && /^\d{1,6}(\.\d{1,2})?$/.test(credits))) return { missing: true };
  if (!config.data) return {};
  const currency = config.data.currency;
  if (credits && !known) return { purchase: creditPurchase(credits, currency) };
  if (!service.data || !known) return {};
  const price = priceOf(service.data, currency);
  if (!price) return { missing: true };
  const session = sessions.data?.pages.flatMap((page) => page.results).find(({ id }) => id === sessionId);
  const when = start
    ? span(start, null)
    : session
      ? span(session.start_datetime, session.end_datetime)
      : null;
  const scheduling = {
    ...(start ? { start_datetime: start } : {}),
    ...(sessionId ? { service_session_id: sessionId } : {}),
  };
  return {
    purchase: {
      title: service.data.name,
      detail: `with ${service.data.practitioner.name}`,
      when,
      type: service.data.type,
      seed: service.data.slug,
      amount: price.amount,
      currency: price.currency,
      totalMinor: toMinor(price.amount, price.currency),
      back: `/services/?id=${known}`,
      body: {
        service_id: known,
        amount: price.amount,
        currency: price.currency,
        ...(Object.keys(scheduling).length ? { scheduling_data: scheduling } : {}),
      },
    },
  };
}

function creditPurchase(amount: string, currency: string): Purchase {
  return {
    title: "Estuary credits",
    detail: "To spend on anything, with any practitioner",
    when: null,
    type: "credits",
    seed: "credits",
    amount,
    currency,
    totalMinor: toMinor(amount, currency),
    back: "/credits/",
    body: { is_credit_purchase: true, amount, credit_amount: amount, currency },
  };
}
