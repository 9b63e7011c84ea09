"use client";
import { type TouchEvent, useRef } from "react";
import type { RosterEntry } from "@/api/generated";
import { cn } from "@/lib/cn";
import { LOCALE } from "@/lib/locale";
import { addDays } from "@/lib/time";

type Props = {
  days: string[];
  chosen: string;
  today: string;
  meetings: Map<string, RosterEntry[]>;
  onChoose: (day: string) => void;
};

const SWIPE_PX = 50;

/** The days of the chosen week, each with how many meetings it has. A swipe leads to the week beside it. */
export function WeekStrip({ days, chosen, today, meetings, onChoose }: Props) {
  const from = useRef<number | null>(null);
  const start = (event: TouchEvent) => {
    from.current = event.touches[0]?.clientX ?? null;
  };
  const end = (event: TouchEvent) => {
    const way = (event.changedTouches[0]?.clientX ?? 0) - (from.current ?? 0);
    if (from.current !== null && Math.abs(way) > SWIPE_PX) onChoose(addDays(chosen, way < 0 ? 7 : -7));
    from.current = null;
  };
  return (
    <nav aria-label="Days of this week" className="no-print mt-4" onTouchStart={start} onTouchEnd={end}>
      <ol className="grid grid-cols-7 gap-1 sm:gap-2">
        {days.map((day) => (
          <li key={day}>
            <Day
              day={day}
              isChosen={day === chosen}
              isToday={day === today}
              count={meetings.get(day)?.filter((entry) => !entry.called_off).length ?? 0}
              onChoose={() => onChoose(day)}
            />
          </li>
        ))}
      </ol>
    </nav>
  );
}

const weekday = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(LOCALE, { month: "long", timeZone: "UTC" });

type DayProps = { day: string; isChosen: boolean; isToday: boolean; count: number; onChoose: () => void };

function Day({ day, isChosen, isToday, count, onChoose }: DayProps) {
  const meetings = count === 1 ? "1 meeting" : `${count} meetings`;
  return (
    <button
      type="button"
      aria-current={isChosen ? "date" : undefined}
      onClick={onChoose}
      className={cn(
        "grid w-full justify-items-center rounded-2xl border py-2 transition-colors",
        isChosen ? "border-tide bg-tide text-white" : "border-line bg-card hover:border-tide hover:bg-mist",
      )}
    >
      <span className={cn("text-sm", !isChosen && "text-soft")}>
        {weekday.format(new Date(`${day}T12:00:00Z`))}
      </span>
      <span
        className={cn(
          "tabular font-semibold text-lg leading-7",
          isToday && !isChosen && "rounded-full bg-mist px-2.5 text-tide-deep",
        )}
      >
        {Number(day.slice(8))}
      </span>
      <span className="sr-only">
        {month.format(new Date(`${day}T12:00:00Z`))}
        {isToday ? ", today" : ""}, {meetings}
      </span>
      <span aria-hidden="true" className="mt-1 flex h-1.5 gap-0.5">
        {Array.from({ length: Math.min(count, 4) }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the dots are alike.
          <span key={index} className={cn("size-1.5 rounded-full", isChosen ? "bg-white" : "bg-tide")} />
        ))}
      </span>
    </button>
  );
}
