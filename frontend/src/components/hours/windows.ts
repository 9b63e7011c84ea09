/** Windows of a day as the page edits them: "09:00" until "17:30", where an end at "00:00" is midnight. */
import type { Hours, HoursWindow } from "@/api/generated";
import { HOUR, LOCALE } from "@/lib/locale";

export type Windows = readonly HoursWindow[];
/** Seven days, from Monday on. */
export type Week = readonly Windows[];

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WORKDAYS = 5;
export const WINDOWS_MAX = 8;

const MIDNIGHT = "00:00";
const DAY_MIN = 24 * 60;
const FIRST: HoursWindow = { starts: "09:00", ends: "17:00" };
const USUAL_MIN = 120;
const BREAK_MIN = 60;

/** Returns windows as inputs can show them: 24:00 is written 00:00. */
export function editable(windows: Windows): Windows {
  return windows.map(({ starts, ends }) => ({ starts, ends: ends === "24:00" ? MIDNIGHT : ends }));
}

export const editableWeek = (hours: Hours): Week => hours.week.map((day) => editable(day.windows));

const minuteOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const endOf = ({ ends }: HoursWindow) => (ends === MIDNIGHT ? DAY_MIN : minuteOf(ends));

function timeOf(minute: number): string {
  const pad = (number: number) => String(number).padStart(2, "0");
  return `${pad(Math.floor(minute / 60) % 24)}:${pad(minute % 60)}`;
}

export const inOrder = (windows: Windows): Windows =>
  [...windows].sort((one, other) => one.starts.localeCompare(other.starts));

/** Returns why the windows of a day can't be saved; undefined when they can. */
export function faultOf(windows: Windows): string | undefined {
  if (windows.some(({ starts, ends }) => !starts || !ends)) return "Fill in both times, or remove the line.";
  if (windows.some((one) => endOf(one) <= minuteOf(one.starts)))
    return "This ends before it begins. For a night, write two lines: until midnight, and from midnight on the next day.";
  const sorted = inOrder(windows);
  if (sorted.some((one, index) => index > 0 && minuteOf(one.starts) < endOf(sorted[index - 1] ?? one)))
    return "Two of these times overlap. Join them, or change one.";
  return undefined;
}

/** Returns the window that "Add" adds: after the last one and a break; undefined when no room is left. */
export function nextWindow(windows: Windows): HoursWindow | undefined {
  const last = inOrder(windows.filter(({ starts, ends }) => starts && ends)).at(-1);
  if (!last) return FIRST;
  const end = endOf(last);
  const starts = end + BREAK_MIN < DAY_MIN ? end + BREAK_MIN : end;
  if (windows.length >= WINDOWS_MAX || starts >= DAY_MIN) return undefined;
  return { starts: timeOf(starts), ends: timeOf(Math.min(starts + USUAL_MIN, DAY_MIN)) };
}

export const isSame = (one: Windows, other: Windows) =>
  JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));

/** Returns a week in which Tuesday to Friday are as Monday. */
export function copyMonday(week: Week): Week {
  return week.map((windows, day) => (day < WORKDAYS ? (week[0] ?? windows) : windows));
}

export const canCopyMonday = (week: Week) =>
  week.slice(1, WORKDAYS).some((windows) => !isSame(windows, week[0] ?? []));

const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: HOUR, minute: "2-digit", timeZone: "UTC" });

/** Returns a time on the clock as people write it, such as "9:00 AM". */
export const formatWall = (time: string) => CLOCK.format(new Date(`2026-01-05T${time}:00Z`));

export function formatWindows(windows: Windows): string {
  const spans = inOrder(editable(windows)).map(
    ({ starts, ends }) => `${formatWall(starts)} – ${ends === MIDNIGHT ? "midnight" : formatWall(ends)}`,
  );
  return spans.join(", ") || "not working";
}
