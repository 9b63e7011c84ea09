/** Times are shown in the reader's own time zone, and the zone is named. */

/** Returns the reader's time zone; UTC, as everything is then shown, when the browser can't tell which it is. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !zone || zone === "Etc/Unknown" ? "UTC" : zone;
}

export const zoneName = (zone: string) => zone.replaceAll("_", " ");

export function formatDay(moment: string, zone = ownZone()): string {
  const date = new Date(moment);
  const yearOf = (key: string) => key.slice(0, 4);
  const sameYear = yearOf(dayKey(moment, zone)) === yearOf(dayKey(new Date().toISOString(), zone));
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
    timeZone: zone,
  }).format(date);
}

export function formatLongDay(moment: string, zone = ownZone()): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: zone,
  }).format(new Date(moment));
}

/** Returns such as "10:00 AM"; an hour that the clock shows twice is named in full, as in "2:30 AM GMT+1". */
export function formatTime(moment: string, zone = ownZone()): string {
  const format = new Intl.DateTimeFormat(undefined, {
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
    ...(isAmbiguous(moment, zone) ? { timeZoneName: "short" } : {}),
  });
  return format.format(new Date(moment));
}

const MINUTE_MS = 60_000;
/** By how much clocks go back: half an hour on Lord Howe Island, an hour elsewhere. */
const STEPS_BACK_MIN = [30, 60];

/** One for each zone: a page of slots asks hundreds of times, and making one is slow. */
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

/** Returns such as "Sat, Nov 28, 10:00 – 12:30 WET". */
export function formatTimeSpan(start: string, end: string | null, zone = ownZone()): string {
  const named = new Intl.DateTimeFormat(undefined, {
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
    timeZone: zone,
  });
  if (!end) return `${formatDay(start, zone)}, ${named.format(new Date(start))}`;
  return `${formatDay(start, zone)}, ${formatTime(start, zone)} – ${named.format(new Date(end))}`;
}

/** Returns such as "Nov 28, 2026, 10:00 AM GMT+1". */
export function formatTimestamp(moment: string): string {
  return new Intl.DateTimeFormat(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(moment));
}

/** Returns the calendar day of a moment in a zone, as a key such as 2026-11-28. */
export function dayKey(moment: string, zone = ownZone()): string {
  // By parts: how a locale puts them together has changed between versions of the same browser.
  const parts = new Intl.DateTimeFormat("en-US", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone: zone,
  }).formatToParts(new Date(moment));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** Returns the day some days later. Days are counted in the calendar, where none has 23 or 25 hours. */
export function addDays(key: string, days: number): string {
  const date = new Date(`${key}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Returns such as "Sat, Nov 28" of a day's key, in whatever zone its reader is. */
export const formatDayKey = (key: string) => formatDay(`${key}T12:00:00Z`, "UTC");

export function formatDuration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

export function formatHours(hours: number): string {
  if (hours % 24 === 0 && hours >= 48) return `${hours / 24} days`;
  return hours === 1 ? "1 hour" : `${hours} hours`;
}
