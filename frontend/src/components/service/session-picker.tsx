"use client";
import type { Session } from "@/api/generated";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { cn } from "@/lib/cn";
import { type TimeSource, useSessions } from "@/lib/queries";
import { formatLongDay, formatTime } from "@/lib/time";

type Props = {
  source: TimeSource;
  /** The zone of the venue; without one, the times are the reader's. */
  zone?: string;
  chosen?: string;
  onChoose: (id: string, date: Session) => void;
};

/** The sessions of a workshop as radio buttons, each with its seats left. */
export function SessionPicker({ source, zone, chosen, onChoose }: Props) {
  const sessions = useSessions(source);
  if (sessions.isPending) return <Loading rows={3} />;
  if (sessions.isError) return <LoadError query={sessions} />;
  const dates = sessions.data.pages.flatMap((page) => page.results);
  if (dates.length === 0)
    return <EmptyState title={"booking" in source ? "No other dates just now" : "No dates just now"} />;
  return (
    <fieldset>
      <legend className="sr-only">Dates</legend>
      <div className="grid gap-2">
        {dates.map((date) => (
          <DateChoice
            key={date.id}
            date={date}
            checked={chosen === date.id}
            zone={zone}
            onChoose={() => onChoose(date.id, date)}
          />
        ))}
      </div>
      <LoadMore pages={sessions} />
    </fieldset>
  );
}

type DateChoiceProps = { date: Session; zone?: string; checked: boolean; onChoose: () => void };

function DateChoice({ date, zone, checked, onChoose }: DateChoiceProps) {
  return (
    <label
      className={cn(
        "flex min-h-14 items-center gap-3 rounded-2xl border border-edge/60 bg-white px-4 py-2.5 has-checked:border-tide has-checked:bg-mist has-focus-visible:outline-3 has-focus-visible:outline-tide",
        date.sold_out && "cursor-not-allowed bg-sand/60 text-soft",
      )}
    >
      <input
        type="radio"
        name="session"
        value={date.id}
        checked={checked}
        disabled={date.sold_out}
        onChange={onChoose}
        className="size-5 shrink-0 accent-tide"
      />
      <span className="min-w-0 flex-1">
        <span className="block text-balance font-semibold leading-snug">
          {formatLongDay(date.start_datetime, zone)}
        </span>
        <span className="text-base text-soft">
          {formatTime(date.start_datetime, zone)} – {formatTime(date.end_datetime, zone)}
        </span>
      </span>
      <span
        className={cn("text-right text-base", date.seats_left <= 3 ? "font-semibold text-clay" : "text-soft")}
      >
        {date.sold_out ? "Sold out" : `${date.seats_left} left`}
      </span>
    </label>
  );
}
