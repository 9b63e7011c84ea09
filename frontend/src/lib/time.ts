/** Times are shown in the reader's own time zone, and the zone is named. */

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export const zoneName = (zone: string) => zone.replaceAll("_", " ");

export function day(moment: string, zone = ownZone()): string {
  const date = new Date(moment);
  const sameYear = date.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
    timeZone: zone,
  }).format(date);
}

export function longDay(moment: string, zone = ownZone()): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: zone,
  }).format(new Date(moment));
}

export function time(moment: string, zone = ownZone()): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "short", timeZone: zone }).format(new Date(moment));
}

/** Returns such as "Sat, Nov 28, 10:00 – 12:30 WET". */
export function span(start: string, end: string | null, zone = ownZone()): string {
  const named = new Intl.DateTimeFormat(undefined, {
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
    timeZone: zone,
  });
  if (!end) return `${day(start, zone)}, ${named.format(new Date(start))}`;
  return `${day(start, zone)}, ${time(start, zone)} – ${named.format(new Date(end))}`;
}

/** Returns such as "Nov 28, 2026, 10:00 AM GMT+1". */
export function stamp(moment: string): string {
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
  return new Intl.DateTimeFormat("en-CA", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone: zone,
  }).format(new Date(moment));
}

export function duration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

export function hoursInWords(hours: number): string {
  if (hours % 24 === 0 && hours >= 48) return `${hours / 24} days`;
  return hours === 1 ? "1 hour" : `${hours} hours`;
}
