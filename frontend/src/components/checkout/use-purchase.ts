"use client";
import { useSearchParams } from "next/navigation";
import { useEffect } from "react";
import type { PaymentRequestRequest, ServiceDetail, ServiceType } from "@/api/generated";
import { isNone } from "@/api/problem";
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
  const date = useDate(known, sessionId);
  if (config.isError) return { error: config.error, retry: config.refetch };
  if (service.isError)
    return isNone(service.error) ? { missing: true } : { error: service.error, retry: service.refetch };
  if (start && Number.isNaN(Date.parse(start))) return { missing: true };
  if (!known && !(credits && /^\d{1,6}(\.\d{1,2})?$/.test(credits))) return { missing: true };
  if (!config.data) return {};
  const currency = config.data.currency;
  if (credits && !known) return { purchase: creditPurchase(credits, currency) };
  if (!service.data || !known) return {};
  const when = start ? span(start, null) : date ? span(date.start_datetime, date.end_datetime) : null;
  const purchase = servicePurchase(service.data, currency, { start, sessionId, when });
  return purchase ? { purchase } : { missing: true };
}

/** Returns one date of a service; they come by the page, and it may be on a later one. */
function useDate(serviceId: string | null, sessionId: string | null) {
  const dates = useSessions(serviceId ?? "", serviceId !== null && sessionId !== null);
  const { hasNextPage, isFetching, fetchNextPage } = dates;
  const date = dates.data?.pages.flatMap((page) => page.results).find(({ id }) => id === sessionId);
  const elsewhere = dates.isSuccess && !date && hasNextPage && !isFetching;
  useEffect(() => {
    if (elsewhere) void fetchNextPage();
  }, [elsewhere, fetchNextPage]);
  return date;
}

type Time = { start: string | null; sessionId: string | null; when: string | null };

/** Returns null when the service has no price. */
function servicePurchase(service: ServiceDetail, currency: string, time: Time): Purchase | null {
  const price = priceOf(service, currency);
  if (!price) return null;
  const scheduling = {
    ...(time.start ? { start_datetime: time.start } : {}),
    ...(time.sessionId ? { service_session_id: time.sessionId } : {}),
  };
  return {
    title: service.name,
    detail: `with ${service.practitioner.name}`,
    when: time.when,
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
      ...(Object.keys(scheduling).length ? { scheduling_data: scheduling } : {}),
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
