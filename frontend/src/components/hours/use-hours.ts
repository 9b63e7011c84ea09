"use client";
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { type Hours, hoursRetrieve } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { OWN_DATA } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { isSame, type Week } from "./windows";

const HOURS = [OWN_DATA, "hours"];
const DRAFT = [OWN_DATA, "hours draft"];

export const useHours = () =>
  useSteady(useQuery({ queryKey: HOURS, queryFn: () => unwrap(hoursRetrieve()) }), "hours");

/** Returns a function that takes the hours of an answer for those that are shown. */
export function useShowHours(): (hours: Hours) => void {
  const client = useQueryClient();
  return (hours) => {
    client.setQueryData(HOURS, hours);
  };
}

export function useRefetchHours(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: HOURS });
}

/** A week that is not saved, and the version of the saved week that it was made from. */
export type WeekDraft = { week: Week; version: string };

/**
 * Returns the week that was changed and is not saved yet, and how to keep another one.
 *
 * It outlives the page, so whoever comes back finds it; signing in as somebody else removes it.
 */
export function useWeekDraft(): [WeekDraft | undefined, (draft: WeekDraft | undefined) => void] {
  const client = useQueryClient();
  const draft = useSyncExternalStore(
    (changed) => client.getQueryCache().subscribe(changed),
    () => client.getQueryData<WeekDraft | null>(DRAFT) ?? undefined,
    () => undefined,
  );
  return [draft, (next) => keepDraft(client, next)];
}

function keepDraft(client: QueryClient, draft: WeekDraft | undefined): void {
  client.setQueryDefaults(DRAFT, { gcTime: Number.POSITIVE_INFINITY });
  client.setQueryData(DRAFT, draft ?? null);
}

/** Returns the numbers of the weekdays whose windows differ. */
export const changedDays = (before: Week, after: Week): number[] =>
  after.flatMap((windows, day) => (isSame(windows, before[day] ?? []) ? [] : [day]));
