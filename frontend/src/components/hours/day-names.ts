/** Names of days that are the same in every time zone. */
import { LOCALE } from "@/lib/locale";

const FULL = new Intl.DateTimeFormat(LOCALE, {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

const atNoon = (day: string) => new Date(`${day}T12:00:00Z`);

/** Returns a day such as "Thu, Dec 24, 2026". */
export const formatWeekdayDate = (day: string) => FULL.format(atNoon(day));

/** Returns the weekday of a day, 0 for Monday. */
export const weekdayOf = (day: string) => (atNoon(day).getUTCDay() + 6) % 7;
