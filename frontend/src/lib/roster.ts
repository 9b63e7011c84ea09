/** The roster's days: which day and view the address names, and which meetings belong to which day. */
"use client";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import type { GuestPayment, RosterEntry } from "@/api/generated";
import type { Tone } from "@/lib/status-labels";
import { useRoster } from "./queries";
import { addDays, dayKey, ownZone } from "./time";

export type View = "day" | "week";

/** Whom a message goes to: a guest by their booking, or all guests of a date. */
export type Addressee = { booking: number } | { session: number };

const DAY = /^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const MONDAY_FIRST = 6;

/** Returns the Monday of a day's week. */
export function mondayOf(day: string): string {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return addDays(day, -((weekday + MONDAY_FIRST) % 7));
}

export const weekOf = (day: string) => Array.from({ length: 7 }, (_, index) => addDays(mondayOf(day), index));

/** Returns a day, unless it is none such as February 31. */
export function validDay(day: string | null): string | null {
  return day && DAY.test(day) && addDays(day, 0) === day ? day : null;
}

/**
 * Returns the chosen day and view, which the address keeps, with the meetings of that day's week.
 *
 * Days are those of the practitioner's zone, which the first answer names; until then they are the reader's.
 */
export function useRosterDays() {
  const params = useSearchParams();
  const [zone, setZone] = useState(ownZone);
  const today = dayKey(new Date().toISOString(), zone);
  const day = validDay(params.get("day")) ?? today;
  const view: View = params.get("view") === "week" ? "week" : "day";
  const week = weekOf(day);
  const roster = useRoster(week[0] ?? day, week[6] ?? day);
  const practice = roster.data?.time_zone;
  if (practice && practice !== zone) setZone(practice);
  return { day, view, week, today, zone, roster, show: showDay };
}

/** Names a day and a view in the address; the browser's back button leads to the ones before. */
function showDay(day: string, view: View): void {
  const query = new URLSearchParams({ day, ...(view === "week" ? { view } : {}) });
  window.history.pushState(null, "", `/roster/?${query}`);
}

/** Returns the meetings of each day; one that began before the week is shown on its first day. */
export function byDay(entries: RosterEntry[], week: string[], zone: string): Map<string, RosterEntry[]> {
  const first = week[0] ?? "";
  const dayOf = (entry: RosterEntry) => {
    const day = dayKey(entry.start_datetime, zone);
    return day < first ? first : day;
  };
  return Map.groupBy(entries, dayOf);
}

/** Tells meetings apart: a date by its id, a 1-on-1 by its booking. */
export const entryKey = (entry: RosterEntry) =>
  entry.service_session_id ?? `booking ${entry.guests[0]?.booking_id}`;

export const hasNote = (entry: RosterEntry) => entry.guests.some((guest) => hasData(guest.service_data));

export const hasData = (data: Record<string, unknown>) => Object.keys(data).length > 0;

export const PAYMENTS: Record<GuestPayment, { text: string; tone: Tone }> = {
  paid: { text: "Paid", tone: "good" },
  credits: { text: "Paid with credits", tone: "good" },
  partially_refunded: { text: "Partly refunded", tone: "plain" },
  refunded: { text: "Refunded", tone: "plain" },
  disputed: { text: "Disputed", tone: "wait" },
};

/** Returns how often somebody comes: "First visit", "2nd visit", "11th visit". */
export function describeVisit(earlier: number): string {
  if (earlier === 0) return "First visit";
  const number = earlier + 1;
  const teen = number % 100 >= 11 && number % 100 <= 13;
  const ending = teen ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending} visit`;
}

export const isOver = (entry: RosterEntry, at = Date.now()) => Date.parse(entry.end_datetime) <= at;

export const isOnNow = (entry: RosterEntry, at = Date.now()) =>
  Date.parse(entry.start_datetime) <= at && !isOver(entry, at);

const WRITE_WITHIN_MS = 30 * 24 * 60 * 60_000;

/** Whether its guests may still be written to; the server decides. */
export const canWrite = (entry: RosterEntry) =>
  !entry.called_off &&
  entry.guests.length > 0 &&
  Date.parse(entry.end_datetime) > Date.now() - WRITE_WITHIN_MS;
