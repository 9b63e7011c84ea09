/** Times in English, in the reader's time zone, which is named beside them. */
import { HOUR, LOCALE } from "./locale";

/** Returns the reader's time zone; UTC when the browser does not know it. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !zone || zone === "Etc/Unknown" ? "UTC" : zone;
}

export const zoneName = (zone: string) => zone.replaceAll("_", " ");

export function formatDay(moment: string, zone = ownZone()): string {
  const date = new Date(moment);
  const yearOf = (key: string) => key.slice(0, 4);
  const sameYear = yearOf(dayKey(moment, zone)) === yearOf(dayKey(new Date().toISOString(), zone));
  return new Intl.DateTimeFormat(LOCALE, {
    weekday: "short",
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
    timeZone: zone,
  }).format(date);
}

export function formatLongDay(moment: string, zone = ownZone()): string {
  return new Intl.DateTimeFormat(LOCALE, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: zone,
  }).format(new Date(moment));
}

/** Returns a time such as "10:00 AM", or "2:30 AM GMT+1" in the hour that occurs twice when clocks go back. */
export function formatTime(moment: string, zone = ownZone()): string {
  const format = new Intl.DateTimeFormat(LOCALE, {
    hour: HOUR,
    minute: "2-digit",
    timeZone: zone,
    ...(isAmbiguous(moment, zone) ? { timeZoneName: "short" } : {}),
  });
  return format.format(new Date(moment));
}

const MINUTE_MS = 60_000;
/** Minutes by which clocks go back: 30 on Lord Howe Island, 60 elsewhere. */
const STEPS_BACK_MIN = [30, 60];

/** A formatter for each zone: a page of slots uses them hundreds of times, and creating one is slow. */
const wallClocks = new Map<string, Intl.DateTimeFormat>();

function wallClock(zone: string): Intl.DateTimeFormat {
  const clock =
    wallClocks.get(zone) ??
    new Intl.DateTimeFormat("en-US", { dateStyle: "short", timeStyle: "short", timeZone: zone });
  wallClocks.set(zone, clock);
  return clock;
}

function isAmbiguous(moment: string, zone: string): boolean {
  const wall = (at: number) => wallClock(zone).format(at);
  const at = Date.parse(moment);
  return STEPS_BACK_MIN.some((minutes) =>
    [-minutes, minutes].some((shift) => wall(at + shift * MINUTE_MS) === wall(at)),
  );
}

/** Returns a span such as "Sat, Nov 28, 10:00 – 12:30 Berlin time". */
export function formatTimeSpan(start: string, end: string | null, zone = ownZone()): string {
  const until = end ? ` – ${formatTime(end, zone)}` : "";
  return `${formatDay(start, zone)}, ${formatTime(start, zone)}${until} ${zoneLabel(zone, start)}`;
}

/**
 * Returns a span in a venue's zone, and in the reader's where its clocks show another time: "Sat, Nov 28, 10:00 – 12:30
 * Lisbon time", and null or the reader's. What is online (no zone) is in the reader's zone alone.
 */
export function spanAt(
  start: string,
  end: string | null,
  zone?: string,
): { text: string; own: string | null } {
  const text = formatTimeSpan(start, end, zone ?? ownZone());
  const clockIn = (place: string) => wallClock(place).format(new Date(start));
  const differs = zone !== undefined && clockIn(zone) !== clockIn(ownZone());
  return { text, own: differs ? formatTimeSpan(start, end) : null };
}

/** Returns a date and time such as "Nov 28, 2026, 10:00 AM Berlin time". */
export function formatTimestamp(moment: string, zone = ownZone()): string {
  const day = new Intl.DateTimeFormat(LOCALE, {
    year: "numeric",
    month: "short",
    day: "numeric",
    timeZone: zone,
  }).format(new Date(moment));
  return `${day}, ${formatTime(moment, zone)} ${zoneLabel(zone, moment)}`;
}

/** Zones that are named after no place, such as Etc/GMT+5 and CET. */
const NO_PLACE = /^(Etc\/|[A-Z0-9+-]+$|SystemV\/)/;

/** Returns a zone's name beside a time: "Berlin time", "UTC", or "GMT-5" where the zone is named after no place. */
export function zoneLabel(zone: string, moment: string): string {
  const isPlace = zone.includes("/") && !NO_PLACE.test(zone);
  if (isPlace) return `${zoneName(zone.slice(zone.lastIndexOf("/") + 1))} time`;
  const parts = new Intl.DateTimeFormat(LOCALE, { timeZoneName: "short", timeZone: zone }).formatToParts(
    new Date(moment),
  );
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** Returns a day such as "Nov 28, 2026" for "2026-11-28", the same in every time zone. */
export function formatDate(day: string): string {
  const format = new Intl.DateTimeFormat(LOCALE, {
    year: "numeric",
    month: "short",
    day: "numeric",
    timeZone: "UTC",
  });
  return format.format(new Date(`${day}T12:00:00Z`));
}

/** Returns the calendar day of a time in a zone, such as 2026-11-28. */
export function dayKey(moment: string, zone = ownZone()): string {
  // By parts: the order in which a locale joins them differs between versions of one browser.
  const parts = new Intl.DateTimeFormat("en-US", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone: zone,
  }).formatToParts(new Date(moment));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** Returns a time of the day in a zone, such as 09:30. */
export function timeKey(moment: string, zone: string): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(
    new Date(moment),
  );
}

/**
 * Returns the moment of a day and a time in a zone; of a time that occurs twice, the first.
 *
 * 2026-11-30 and 09:30 in Berlin are 2026-11-30T08:30:00.000Z. A time that the clock skips is the moment as much later.
 */
export function momentIn(day: string, time: string, zone: string): string {
  const wall = Date.parse(`${day}T${time}:00Z`);
  const shown = (at: number) => {
    const iso = new Date(at).toISOString();
    return Date.parse(`${dayKey(iso, zone)}T${timeKey(iso, zone)}:00Z`);
  };
  const offsets = [wall - 24 * 60 * MINUTE_MS, wall + 24 * 60 * MINUTE_MS].map((at) => shown(at) - at);
  const candidates = offsets.map((offset) => wall - offset).sort((a, b) => a - b);
  const moment = candidates.find((at) => shown(at) === wall) ?? Math.max(...candidates);
  return new Date(moment).toISOString();
}

/** Adds calendar days, which unlike days of the clock never have 23 or 25 hours. */
export function addDays(key: string, days: number): string {
  const date = new Date(`${key}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Returns a day such as "Sat, Nov 28" for a key of `dayKey`, the same in every time zone. */
export const formatDayKey = (key: string) => formatDay(`${key}T12:00:00Z`, "UTC");

export function formatDuration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

/** Returns the month and the day of a time as on a calendar's leaf, such as "Nov" and "28". */
export function monthAndDay(moment: string, zone: string): { month: string; day: string } {
  const of = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: zone }).format(new Date(moment));
  return { month: of({ month: "short" }), day: of({ day: "numeric" }) };
}
