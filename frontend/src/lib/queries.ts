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
import { answerOf } from "@/api/problem";
import { ownZone } from "@/lib/time";

/** Everything that belongs to the buyer alone; emptied when somebody else signs in. */
export const MINE = "mine";

type Page<T> = { next?: string | null; results: T[] };

function cursorOf(page: Page<unknown>): string | undefined {
  return page.next ? (new URL(page.next).searchParams.get("cursor") ?? undefined) : undefined;
}

const FIRST = undefined as string | undefined;

export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: () => answerOf(paymentsConfigRetrieve()),
  staleTime: Number.POSITIVE_INFINITY,
});
export const useConfig = () => useQuery(configQuery);

export const useServices = (type?: ServiceType) =>
  useInfiniteQuery({
    queryKey: ["services", type ?? "all"],
    queryFn: ({ pageParam }) => answerOf(servicesList({ query: { type, cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const useService = (id: string | null) =>
  useQuery({
    queryKey: ["service", id],
    queryFn: () => answerOf(servicesRetrieve({ path: { id: Number(id) } })),
    enabled: id !== null,
  });

export const useSessions = (id: string, wanted = true) =>
  useInfiniteQuery({
    queryKey: ["sessions", id],
    queryFn: ({ pageParam }) =>
      answerOf(servicesSessionsList({ path: { id: Number(id) }, query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
    enabled: wanted,
    staleTime: 10_000,
  });

export const useSlots = (id: string, from: string | undefined, days: number, wanted = true) =>
  useQuery({
    queryKey: ["slots", id, from ?? "today", days],
    queryFn: () =>
      answerOf(
        servicesSlotsRetrieve({ path: { id: Number(id) }, query: { from, days, time_zone: ownZone() } }),
      ),
    enabled: wanted,
    staleTime: 10_000,
  });

export const useCards = () =>
  useQuery({
    queryKey: [MINE, "cards"],
    queryFn: async () => (await answerOf(paymentsMethodsRetrieve())).payment_methods,
  });

export const useCredits = () =>
  useInfiniteQuery({
    queryKey: [MINE, "credits"],
    queryFn: ({ pageParam }) => answerOf(creditsRetrieve({ query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const useOrders = () =>
  useInfiniteQuery({
    queryKey: [MINE, "orders"],
    queryFn: ({ pageParam }) => answerOf(ordersList({ query: { cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: [MINE, "order", id],
    queryFn: () => answerOf(ordersRetrieve({ path: { order_id: id } })),
  });

export type When = "upcoming" | "past" | "unscheduled";

export const useBookings = (when: When) =>
  useInfiniteQuery({
    queryKey: [MINE, "bookings", when],
    queryFn: ({ pageParam }) => answerOf(bookingsList({ query: { when, cursor: pageParam } })),
    initialPageParam: FIRST,
    getNextPageParam: cursorOf,
  });

/** What cancelling a booking would return; asked anew each time, as it changes with the hour. */
export const consequenceQuery = (id: string) =>
  queryOptions({
    queryKey: [MINE, "consequence", id],
    queryFn: () => answerOf(bookingsCancelForesee({ path: { id: Number(id) } })),
    gcTime: 0,
    staleTime: 0,
  });

export const useRoster = (days: number) =>
  useQuery({
    queryKey: [MINE, "roster", days],
    queryFn: () => answerOf(rosterRetrieve({ query: { days } })),
  });
