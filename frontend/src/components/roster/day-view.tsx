"use client";
import type { RosterEntry } from "@/api/generated";
import { Button } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { useNextMeetings } from "@/lib/queries";
import { entryKey } from "@/lib/roster";
import { dayKey, formatDayKey } from "@/lib/time";
import { MeetingCard } from "./meeting-card";

type Props = {
  day: string;
  today: string;
  entries: RosterEntry[];
  zone: string;
  onChoose: (day: string) => void;
};

/** The meetings of one day, earliest first. */
export function DayView({ day, today, entries, zone, onChoose }: Props) {
  if (entries.length === 0) return <EmptyDay day={day} today={today} zone={zone} onChoose={onChoose} />;
  return (
    <ol className="grid gap-4">
      {entries.map((entry) => (
        <li key={entryKey(entry)}>
          <MeetingCard entry={entry} zone={zone} />
        </li>
      ))}
    </ol>
  );
}

function EmptyDay({ day, today, zone, onChoose }: Omit<Props, "entries">) {
  if (day < today) return <EmptyState title="Nobody was booked on this day" />;
  return (
    <EmptyState
      title={day === today ? "Nobody is booked today" : "Nobody is booked on this day yet"}
      action={day === today ? <NextMeeting zone={zone} onChoose={onChoose} /> : undefined}
    />
  );
}

/** Leads to the day of the next meeting that somebody has booked. */
function NextMeeting({ zone, onChoose }: { zone: string; onChoose: (day: string) => void }) {
  const coming = useNextMeetings();
  const next = coming.data?.results.find((entry) => entry.guests.length > 0 && !entry.called_off);
  if (!next) return null;
  const day = dayKey(next.start_datetime, zone);
  return (
    <Button look="quiet" onClick={() => onChoose(day)}>
      Next: {formatDayKey(day)}, {next.service_name}
    </Button>
  );
}
