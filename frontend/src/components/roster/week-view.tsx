import type { RosterEntry } from "@/api/generated";
import { Badge } from "@/components/ui/badge";
import { cn } from "@/lib/cn";
import { entryKey, hasNote, isOver } from "@/lib/roster";
import { formatDayKey, formatTime } from "@/lib/time";

type Props = {
  days: string[];
  today: string;
  meetings: Map<string, RosterEntry[]>;
  zone: string;
  onChoose: (day: string) => void;
};

/** A week: seven columns on a wide screen, one day below the other on a phone. */
export function WeekView({ days, today, meetings, zone, onChoose }: Props) {
  return (
    <ol className="grid gap-x-2 gap-y-5 lg:grid-cols-7">
      {days.map((day) => (
        <li
          key={day}
          className={cn("min-w-0 rounded-2xl lg:bg-sand/60 lg:p-2", day === today && "lg:bg-mist")}
        >
          <h3>
            <button
              type="button"
              onClick={() => onChoose(day)}
              className="mb-1 min-h-11 w-full lg:min-h-16 rounded-xl px-2 text-left font-semibold hover:bg-mist lg:text-center"
            >
              {formatDayKey(day)}
              {day === today ? <span className="ml-1.5 text-tide lg:ml-0 lg:block"> Today</span> : null}
            </button>
          </h3>
          <DayColumn entries={meetings.get(day) ?? []} zone={zone} onChoose={() => onChoose(day)} />
        </li>
      ))}
    </ol>
  );
}

function DayColumn({
  entries,
  zone,
  onChoose,
}: {
  entries: RosterEntry[];
  zone: string;
  onChoose: () => void;
}) {
  if (entries.length === 0) return <p className="px-2 pb-2 text-base text-soft lg:text-center">Nobody</p>;
  return (
    <ul className="grid gap-2">
      {entries.map((entry) => (
        <li key={entryKey(entry)}>
          <Meeting entry={entry} zone={zone} onChoose={onChoose} />
        </li>
      ))}
    </ul>
  );
}

/** A meeting in few words; it leads to its day, which has all of it. */
function Meeting({ entry, zone, onChoose }: { entry: RosterEntry; zone: string; onChoose: () => void }) {
  const who = entry.service_session_id
    ? entry.guests.length === 0
      ? "Nobody yet"
      : `${entry.guests.length} of ${entry.capacity} guests`
    : (entry.guests[0]?.name ?? "");
  return (
    <button
      type="button"
      onClick={onChoose}
      className={cn(
        "grid w-full gap-1 rounded-xl border border-line border-l-4 border-l-tide bg-card px-3 py-2 text-left text-base hover:border-tide",
        isOver(entry) && "border-l-edge",
        entry.called_off && "border-l-clay",
      )}
    >
      <span className="tabular text-soft">
        {formatTime(entry.start_datetime, zone)} – {formatTime(entry.end_datetime, zone)}
      </span>
      <span className={cn("break-words font-semibold leading-snug", entry.called_off && "line-through")}>
        {entry.service_name}
      </span>
      {entry.called_off ? <Badge tone="bad">Called off</Badge> : <span className="break-words">{who}</span>}
      <span className="flex flex-wrap gap-1">
        {hasNote(entry) ? <Badge tone="calm">Note</Badge> : null}
        {entry.guests.some((guest) => guest.disputed) ? <Badge tone="wait">Disputed</Badge> : null}
      </span>
    </button>
  );
}
