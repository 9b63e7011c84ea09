"use client";
import { queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import {
  bookingsCancelForesee,
  bookingsList,
  creditsRetrieve,
  ordersList,
  ordersRetrieve,
  paymentsConfigRetrieve,
  paymentsMethodsRetrieve,
  rosterRetrieve,
  type ServiceType,
  servicesList,
  servicesRetrieve,
  servicesSessionsList,
  servicesSlotsRetrieve,
} from "@/api/generated";
import { unwrap } from "@/api/problem";

/** The query key of everything that belongs to one account; removed when another one signs in. */
export const OWN_DATA = "mine";

type Page<T> = { next?: string | null; results: T[] };

function cursorOf(page: Page<unknown>): string | undefined {
  return page.next ? (new URL(page.next).searchParams.get("cursor") ?? undefined) : undefined;
}

const FIRST = undefined as string | undefined;

export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: () => unwrap(paymentsConfigRetrieve()),
  staleTime: Number.POSITIVE_INFINITY,
});
export const useConfig = () => useQuery(configQuery);

export const useServices = (type?: ServiceType) =>
  useInfiniteQuery({
    queryKey: ["services", type ?? "all"],
    queryFn: ({ pageParam }) => unwrap(servicesList({ query: { type, cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const useService = (id: string | null) =>
  useQuery({
    queryKey: ["service", id],
    queryFn: () => unwrap(servicesRetrieve({ path: { id: Number(id) } })),
    enabled: id !== null,
  });

export const useSessions = (id: string, enabled = true) =>
  useInfiniteQuery({
    queryKey: ["sessions", id],
    queryFn: ({ pageParam }) =>
      unwrap(servicesSessionsList({ path: { id: Number(id) }, query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
    enabled,
    staleTime: 10_000,
  });

export const useSlots = (id: string, from: string, days: number, zone: string) =>
  useQuery({
    queryKey: ["slots", id, from, days, zone],
    queryFn: () =>
      unwrap(servicesSlotsRetrieve({ path: { id: Number(id) }, query: { from, days, time_zone: zone } })),
    staleTime: 10_000,
  });

export const useCards = () =>
  useQuery({
    queryKey: [OWN_DATA, "cards"],
    queryFn: async () => (await unwrap(paymentsMethodsRetrieve())).payment_methods,
  });

export const useCredits = () =>
  useInfiniteQuery({
    queryKey: [OWN_DATA, "credits"],
    queryFn: ({ pageParam }) => unwrap(creditsRetrieve({ query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const useOrders = () =>
  useInfiniteQuery({
    queryKey: [OWN_DATA, "orders"],
    queryFn: ({ pageParam }) => unwrap(ordersList({ query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "order", id],
    queryFn: () => unwrap(ordersRetrieve({ path: { order_id: id } })),
  });

export type When = "upcoming" | "past" | "unscheduled";

export const useBookings = (when: When) =>
  useInfiniteQuery({
    queryKey: [OWN_DATA, "bookings", when],
    queryFn: ({ pageParam }) => unwrap(bookingsList({ query: { when, cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

/** The refund that canceling a booking would give; never cached, because it changes with time. */
export const cancellationPreviewQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "consequence", id],
    queryFn: () => unwrap(bookingsCancelForesee({ path: { id: Number(id) } })),
    gcTime: 0,
    staleTime: 0,
  });

export const useRoster = (days: number) =>
  useQuery({
    queryKey: [OWN_DATA, "roster", days],
    queryFn: () => unwrap(rosterRetrieve({ query: { days } })),
  });
