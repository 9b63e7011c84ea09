"use client";
import { useSearchParams } from "next/navigation";
import { useEffect } from "react";
import { isNotFound } from "@/api/problem";
import type { LoadError } from "@/components/ui/notice";
import { useCurrencies } from "@/lib/currency";
import { parseAmount } from "@/lib/money";
import { useConfig, useService, useSessions } from "@/lib/queries";
import { belowMinimumText, creditPurchase, type Purchase, servicePurchase } from "./purchase";

/** Why there is nothing to pay for, and a link to the next step. */
export type NoPurchase = { title: string; href: string; label: string };
type FailedQuery = Parameters<typeof LoadError>[0]["query"];
type PurchaseResult = { purchase?: Purchase; failed?: FailedQuery; missing?: NoPurchase };

const NOTHING: NoPurchase = {
  title: "There is nothing to pay for here",
  href: "/",
  label: "See what is offered",
};

const ID = /^\d+$/;

/** Reads the purchase from the URL of the checkout: credits, or a service and its time. */
export function usePurchase(): PurchaseResult {
  const query = useSearchParams();
  const service = query.get("service");
  const credits = query.get("credits");
  const ofCredits = useCreditPurchase(credits);
  const ofService = useServicePurchase(service && ID.test(service) ? service : null);
  if (service) return ID.test(service) ? ofService : { missing: NOTHING };
  return credits ? ofCredits : { missing: NOTHING };
}

function useCreditPurchase(typed: string | null): PurchaseResult {
  const config = useConfig();
  if (config.isError) return { failed: config };
  if (!config.data || !typed) return {};
  const { currency, minimum_charge: minimum } = config.data;
  const amount = parseAmount(typed, currency);
  if (!amount) return { missing: NOTHING };
  const title = belowMinimumText(amount, currency, minimum);
  if (title) return { missing: { title, href: "/credits/", label: "Choose another amount" } };
  return { purchase: creditPurchase(amount, currency, minimum) };
}

function useServicePurchase(id: string | null): PurchaseResult {
  const query = useSearchParams();
  const config = useConfig();
  const service = useService(id);
  const currencies = useCurrencies();
  const start = futureStart(query.get("start"));
  const date = useDate(service.data?.type === "workshop" ? id : null, query.get("session"));
  if (config.isError) return { failed: config };
  if (service.isError) return isNotFound(service.error) ? { missing: NOTHING } : { failed: service };
  if (!config.data || !service.data || date === "loading") return {};
  const { type } = service.data;
  if ((type === "session" && !start) || (type === "workshop" && !date)) {
    return { missing: { title: "Choose a time first", href: `/services/?id=${id}`, label: "See the times" } };
  }
  const purchase = servicePurchase(
    service.data,
    [query.get("currency"), ...currencies],
    type === "session" ? { start } : { date },
  );
  return purchase ? { purchase } : { missing: NOTHING };
}

/** Returns a time in the future, or undefined. */
function futureStart(text: string | null): string | undefined {
  return text && Date.parse(text) > Date.now() ? text : undefined;
}

/** Returns one session of a workshop, which may be on a later page of the list. */
function useDate(serviceId: string | null, sessionId: string | null) {
  const enabled = serviceId !== null && sessionId !== null;
  const dates = useSessions(serviceId ?? "", enabled);
  const { hasNextPage, isFetching, fetchNextPage } = dates;
  const date = dates.data?.pages.flatMap((page) => page.results).find(({ id }) => id === sessionId);
  const onLaterPage = dates.isSuccess && !date && hasNextPage;
  useEffect(() => {
    if (onLaterPage && !isFetching) void fetchNextPage();
  }, [onLaterPage, isFetching, fetchNextPage]);
  return enabled && (dates.isPending || onLaterPage) ? "loading" : date;
}
