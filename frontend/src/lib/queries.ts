"use client";
import {
  type InfiniteData,
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useQuery,
} from "@tanstack/react-query";
import {
  bookingsCancelForesee,
  bookingsDeclineForesee,
  bookingsList,
  bookingsSessionsList,
  bookingsSlotsRetrieve,
  creditsRetrieve,
  ordersList,
  ordersReceiptRetrieve,
  ordersRetrieve,
  type PaginatedServiceList,
  pagesRetrieve,
  paymentsConfigRetrieve,
  paymentsMethodsRetrieve,
  rosterChangesList,
  rosterChangesRetrieve,
  rosterFeedRetrieve,
  rosterRetrieve,
  type ServiceType,
  servicesList,
  servicesRetrieve,
  servicesSessionsList,
  servicesSlotsRetrieve,
} from "@/api/generated";
import { unwrap } from "@/api/problem";
import { type ChangeRequest, previewChange } from "@/lib/date-changes";
import { useSteady } from "@/lib/steady";

/** The query key of everything that belongs to one account; removed when another one signs in. */
export const OWN_DATA = "mine";

type Page<T> = { next?: string | null; results: T[] };

export function cursorOf(page: Page<unknown>): string | undefined {
  return page.next ? (new URL(page.next).searchParams.get("cursor") ?? undefined) : undefined;
}

export const FIRST = undefined as string | undefined;

export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: () => unwrap(paymentsConfigRetrieve()),
  staleTime: Number.POSITIVE_INFINITY,
});
export const useConfig = () => useSteady(useQuery(configQuery), "config");

export const useSitePage = (slug: string) =>
  useSteady(
    useQuery({
      queryKey: ["page", slug],
      queryFn: () => unwrap(pagesRetrieve({ path: { slug } })),
    }),
    slug,
  );

type FirstServices = InfiniteData<PaginatedServiceList, string | undefined>;

/** Returns the services that the server has put into the page, when they are of this type. */
function readFirstServices(type: ServiceType | undefined): FirstServices | undefined {
  const data = document.getElementById("first-services-data")?.textContent;
  const first = data ? (JSON.parse(data) as { type: string; page: PaginatedServiceList }) : undefined;
  return first?.type === (type ?? "") ? { pages: [first.page], pageParams: [FIRST] } : undefined;
}

export const useServices = (type?: ServiceType) =>
  useSteady(
    useInfiniteQuery({
      queryKey: ["services", type ?? "all"],
      queryFn: ({ pageParam }) => unwrap(servicesList({ query: { type, cursor: pageParam } })),
      initialData: () => readFirstServices(type),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
    }),
    type ?? "all",
  );

export const useService = (id: string | null) =>
  useSteady(
    useQuery({
      queryKey: ["service", id],
      queryFn: () => unwrap(servicesRetrieve({ path: { id: Number(id) } })),
      enabled: id !== null,
    }),
    String(id),
  );

/** Whose times are meant: those of a service on sale, or those that a booking can have. */
export type TimeSource = { service: string } | { booking: string };

const sourceKey = (source: TimeSource) => Object.entries(source).join();

export const useSessions = (source: TimeSource, enabled = true) =>
  useSteady(
    useInfiniteQuery({
      queryKey: ["sessions", source],
      queryFn: ({ pageParam }) => {
        const query = { cursor: pageParam };
        return unwrap(
          "booking" in source
            ? bookingsSessionsList({ path: { id: Number(source.booking) }, query })
            : servicesSessionsList({ path: { id: Number(source.service) }, query }),
        );
      },
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
      enabled,
      staleTime: 10_000,
    }),
    sourceKey(source),
  );

export const useSlots = (source: TimeSource, from: string, days: number, zone: string) =>
  useSteady(
    useQuery({
      queryKey: ["slots", source, from, days, zone],
      queryFn: () => {
        const query = { from, days, time_zone: zone };
        return unwrap(
          "booking" in source
            ? bookingsSlotsRetrieve({ path: { id: Number(source.booking) }, query })
            : servicesSlotsRetrieve({ path: { id: Number(source.service) }, query }),
        );
      },
      staleTime: 10_000,
    }),
    `${sourceKey(source)} ${from} ${days} ${zone}`,
  );

export const cardsQuery = queryOptions({
  queryKey: [OWN_DATA, "cards"],
  queryFn: async () => (await unwrap(paymentsMethodsRetrieve())).payment_methods,
});
export const useCards = () => useSteady(useQuery(cardsQuery), "cards");

export const creditsQuery = infiniteQueryOptions({
  queryKey: [OWN_DATA, "credits"],
  queryFn: ({ pageParam }) => unwrap(creditsRetrieve({ query: { cursor: pageParam } })),
  initialPageParam: FIRST,
  getNextPageParam: cursorOf,
});
export const useCredits = () => useSteady(useInfiniteQuery(creditsQuery), "credits");

/** Loads the balances and the newest orders, together: an unpaid order has spent its credits already. */
export async function fetchWallet() {
  const [{ balances }, { results: orders }] = await Promise.all([
    unwrap(creditsRetrieve()),
    unwrap(ordersList()),
  ]);
  return { balances, orders };
}
export type Wallet = Awaited<ReturnType<typeof fetchWallet>>;
export const walletQuery = queryOptions({ queryKey: [OWN_DATA, "credits", "wallet"], queryFn: fetchWallet });

export const useOrders = () =>
  useSteady(
    useInfiniteQuery({
      queryKey: [OWN_DATA, "orders"],
      queryFn: ({ pageParam }) => unwrap(ordersList({ query: { cursor: pageParam } })),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
    }),
    "orders",
  );

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "order", id],
    queryFn: () => unwrap(ordersRetrieve({ path: { order_id: id } })),
  });

export const receiptQuery = (orderId: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "receipt", orderId],
    queryFn: () => unwrap(ordersReceiptRetrieve({ path: { order_id: orderId } })),
  });

export type When = "upcoming" | "past" | "unscheduled" | "canceled";

export const useBookings = (when: When) =>
  useSteady(
    useInfiniteQuery({
      queryKey: [OWN_DATA, "bookings", when],
      queryFn: ({ pageParam }) => unwrap(bookingsList({ query: { when, cursor: pageParam } })),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
    }),
    when,
  );

/** How loading all four lists of bookings went: an error only when each of them failed. */
export function useAllBookings() {
  const lists = [
    useBookings("unscheduled"),
    useBookings("upcoming"),
    useBookings("past"),
    useBookings("canceled"),
  ];
  return {
    isError: lists.every((list) => list.isError),
    isFetching: lists.some((list) => list.isFetching),
    error: lists[0]?.error,
    refetch: () => Promise.all(lists.map((list) => list.refetch())),
  };
}

/** The refund that canceling a booking would give; never cached, because it changes with time. */
export const cancellationPreviewQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "consequence", id],
    queryFn: () => unwrap(bookingsCancelForesee({ path: { id: Number(id) } })),
    gcTime: 0,
    staleTime: 0,
  });

/** The refund of a guest who can't come to a moved date. */
export const declinePreviewQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "decline", id],
    queryFn: () => unwrap(bookingsDeclineForesee({ path: { id: Number(id) } })),
    gcTime: 0,
    staleTime: 0,
  });

/** What calling off or moving would do now; it is fetched again whenever it is shown. */
export const datePreviewQuery = (request: ChangeRequest) =>
  queryOptions({
    queryKey: [OWN_DATA, "date preview", request],
    queryFn: () => previewChange(request),
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
  });

const PROGRESS_MS = 1500;

/** How far a change of dates is, asked again until it is done. */
export const dateChangeQuery = (id: string) =>
  queryOptions({
    queryKey: [OWN_DATA, "date change", id],
    queryFn: () => unwrap(rosterChangesRetrieve({ path: { change_id: id } })),
    refetchInterval: (query) => (query.state.data?.status === "done" ? false : PROGRESS_MS),
  });

export const useDateChanges = () =>
  useSteady(
    useInfiniteQuery({
      queryKey: [OWN_DATA, "date changes"],
      queryFn: ({ pageParam }) => unwrap(rosterChangesList({ query: { cursor: pageParam } })),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
    }),
    "date changes",
  );

/** The roster from one day to another, both included. */
export const useRoster = (first_day: string, last_day: string) =>
  useSteady(
    useQuery({
      queryKey: [OWN_DATA, "roster", first_day, last_day],
      queryFn: () => unwrap(rosterRetrieve({ query: { first_day, last_day } })),
    }),
    `${first_day} ${last_day}`,
  );

/** The meetings of the next four weeks. */
export const useNextMeetings = () =>
  useQuery({ queryKey: [OWN_DATA, "roster", "next"], queryFn: () => unwrap(rosterRetrieve()) });

/** The calendar feed; its address is in the answer that made it alone, so it is never asked for again. */
export const feedQuery = queryOptions({
  queryKey: [OWN_DATA, "feed"],
  queryFn: () => unwrap(rosterFeedRetrieve()),
  staleTime: Number.POSITIVE_INFINITY,
});
export const useFeed = () => useSteady(useQuery(feedQuery), "feed");
