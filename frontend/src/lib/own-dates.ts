"use client";
/** A practitioner's own dates: reading them page by page, and adding, changing and deleting one. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import {
  type NewDateRequest,
  type OwnDate,
  type PatchedDateEditRequest,
  rosterServicesList,
  rosterSessionsCreate,
  rosterSessionsDestroy,
  rosterSessionsList,
  rosterSessionsPartialUpdate,
} from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";
import { cursorOf, FIRST, OWN_DATA } from "@/lib/queries";
import { newKey } from "@/lib/random";
import { useSteady } from "@/lib/steady";

const DATES = "dates";

export const useOwnServices = () =>
  useSteady(
    useInfiniteQuery({
      queryKey: [OWN_DATA, DATES, "services"],
      queryFn: ({ pageParam }) => unwrap(rosterServicesList({ query: { cursor: pageParam } })),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
    }),
    "services",
  );

export type DatesWhen = "upcoming" | "past";

export const useOwnDates = (serviceId: string, when: DatesWhen, enabled: boolean) =>
  useSteady(
    useInfiniteQuery({
      queryKey: [OWN_DATA, DATES, serviceId, when],
      queryFn: ({ pageParam }) =>
        unwrap(rosterSessionsList({ query: { service_id: serviceId, when, cursor: pageParam } })),
      initialPageParam: FIRST,
      getNextPageParam: cursorOf,
      enabled,
    }),
    `${serviceId} ${when}`,
  );

/** Everything that shows a date is fetched again: the practitioner's own lists and the catalogue. */
function useRefresh() {
  const client = useQueryClient();
  return () => {
    for (const key of [OWN_DATA, "sessions", "services", "service"])
      void client.invalidateQueries({ queryKey: [key] });
  };
}

/** Adds dates; the same ones are sent with the same key until the server has answered. */
export function useAddDates(onAdded: (dates: OwnDate[]) => void) {
  const refresh = useRefresh();
  const sent = useRef({ body: "", key: "" });
  return useMutation({
    mutationFn: (body: NewDateRequest) => {
      const text = JSON.stringify(body);
      if (sent.current.body !== text) sent.current = { body: text, key: newKey() };
      return unwrap(rosterSessionsCreate({ body, headers: { "Idempotency-Key": sent.current.key } }));
    },
    onSuccess: ({ results }) => onAdded(results),
    onSettled: refresh,
  });
}

export function useChangeDate(id: string, onChanged: (date: OwnDate) => void) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: PatchedDateEditRequest) =>
      unwrap(rosterSessionsPartialUpdate({ path: { id: Number(id) }, body })),
    onSuccess: onChanged,
    onSettled: refresh,
  });
}

export function useDeleteDate(id: string, onDeleted: () => void) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () => unwrap(rosterSessionsDestroy({ path: { id: Number(id) } })),
    onSuccess: onDeleted,
    onSettled: refresh,
  });
}

/** Returns how a date stands now, when a refusal says that it was changed elsewhere. */
export function newDateIn(error: unknown): OwnDate | undefined {
  if (!(error instanceof Problem) || error.code !== "date_outdated") return undefined;
  return error.extra.date as OwnDate;
}

export type Conflict = { start_datetime: string; end_datetime: string; kind: string; taken_by: string };

/** Returns the times of new dates that are taken, each with what is there. */
export function conflictsIn(error: unknown): Conflict[] {
  if (!(error instanceof Problem) || error.code !== "practitioner_taken") return [];
  return (error.extra.conflicts ?? []) as Conflict[];
}
