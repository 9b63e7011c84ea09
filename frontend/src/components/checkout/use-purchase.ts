"use client";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { useEffect } from "react";
import type { OrderDetail, Session } from "@/api/generated";
import { isNotFound } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import type { LoadError } from "@/components/ui/notice";
import { useCurrencies } from "@/lib/currency";
import { parseAmount } from "@/lib/money";
import { orderQuery, useConfig, useService, useSessions } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { useAccount } from "@/lib/use-account";
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

const FOREIGN: NoPurchase = {
  title: "There is no such order of yours",
  href: "/orders/",
  label: "See your orders",
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
  const like = useEarlierOrder(query.get("same_as"));
  const dates = useDate(service.data?.type === "workshop" ? id : null, query.get("session"));
  const course = useSessionsUntil(service.data?.type === "course" ? id : null, () => false);
  if (config.isError) return { failed: config };
  if (service.isError) return isNotFound(service.error) ? { missing: NOTHING } : { failed: service };
  if (like.failed) return isNotFound(like.failed.error) ? { missing: FOREIGN } : { failed: like.failed };
  if (dates.failed ?? course.failed) return { failed: dates.failed ?? course.failed };
  if (!config.data || !service.data) return {};
  if (dates.isLoading || course.isLoading || like.isLoading) return {};
  if (like.order && like.order.service?.id !== id) return { missing: NOTHING };
  const { type } = service.data;
  if ((type === "session" && !start) || (type === "workshop" && !dates.date)) {
    return { missing: { title: "Choose a time first", href: `/services/?id=${id}`, label: "See the times" } };
  }
  const purchase = servicePurchase(service.data, [query.get("currency"), ...currencies], {
    like: like.order,
    ...(type === "session" ? { start } : { date: dates.date, meetings: course.sessions }),
  });
  return purchase ? { purchase } : { missing: NOTHING };
}

/** Returns a time in the future, or undefined. */
function futureStart(text: string | null): string | undefined {
  return text && Date.parse(text) > serverNow() ? text : undefined;
}

type EarlierOrder = { order?: OrderDetail; isLoading?: boolean; failed?: FailedQuery };

/** Returns the order that is bought once more, with what no URL holds; a visitor has none before signing in. */
function useEarlierOrder(orderId: string | null): EarlierOrder {
  const account = useAccount();
  const enabled = orderId !== null && Boolean(account);
  const earlier = useSteady(useQuery({ ...orderQuery(orderId ?? ""), enabled }), orderId ?? "");
  if (!enabled) return {};
  return earlier.isError ? { failed: earlier } : { order: earlier.data, isLoading: earlier.isPending };
}

type DateResult = { date?: Session; isLoading?: boolean; failed?: FailedQuery };

/** Returns one session of a workshop, which may be on a later page of the list. */
function useDate(serviceId: string | null, sessionId: string | null): DateResult {
  const enabled = serviceId !== null && sessionId !== null;
  const isWanted = ({ id }: Session) => id === sessionId;
  const { sessions, ...rest } = useSessionsUntil(enabled ? serviceId : null, (loaded) =>
    loaded.some(isWanted),
  );
  return { ...rest, date: sessions.find(isWanted) };
}

type SessionsResult = { sessions: readonly Session[]; isLoading?: boolean; failed?: FailedQuery };

/** Loads the sessions of a service page by page, until they are enough or there are no more. */
function useSessionsUntil(
  serviceId: string | null,
  enough: (loaded: readonly Session[]) => boolean,
): SessionsResult {
  const dates = useSessions({ service: serviceId ?? "" }, serviceId !== null);
  const { hasNextPage, isFetching, isFetchNextPageError, error, fetchNextPage } = dates;
  const sessions = dates.data?.pages.flatMap((page) => page.results) ?? [];
  const needsMore = dates.isSuccess && hasNextPage && !enough(sessions);
  useEffect(() => {
    if (needsMore && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [needsMore, isFetching, isFetchNextPageError, fetchNextPage]);
  if (serviceId === null) return { sessions };
  if (needsMore && isFetchNextPageError)
    return { sessions, failed: { error, isFetching, refetch: fetchNextPage } };
  if (dates.isError) return { sessions, failed: dates };
  return { sessions, isLoading: dates.isPending || needsMore };
}
