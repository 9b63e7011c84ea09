"use client";
import { type FormEvent, useState } from "react";
import type { OwnService } from "@/api/generated";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { conflictsIn, useAddDates } from "@/lib/own-dates";
import { addDays, dayKey, formatDay, formatTimeSpan, momentIn, timeKey, zoneName } from "@/lib/time";
import { LinkField, SeatsField, spanOf, TimeFields, type Typed } from "./date-fields";

const WEEKS_MAX = 52;
const SEATS = 10;
const LASTS_MIN = 60;

type Props = { service: OwnService; onClose: () => void };

/** Asks for a new date, and for how many weeks it is repeated; it begins a week after the last one. */
export function NewDateDialog({ service, onClose }: Props) {
  const zone = service.time_zone;
  const [typed, setTyped] = useState(() => suggested(service));
  const [weeks, setWeeks] = useState("1");
  const add = useAddDates((dates) => {
    onClose();
    announce(dates.length === 1 ? "The date is on sale." : `${dates.length} dates are on sale.`);
  });
  const span = spanOf(typed, zone);
  const many = Number(weeks) || 1;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!span || add.isPending) return;
    add.mutate({
      service_id: service.id,
      start_datetime: span.start,
      duration_min: Number(typed.lasts),
      capacity: Number(typed.seats),
      weeks: many,
      ...(typed.link ? { join_url: typed.link } : {}),
    });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`New date of ${service.name}`}
      description={`Times are those of ${service.venue ? "the place" : "your practice"}: ${zoneName(zone)}.`}
    >
      <form onSubmit={submit} className="grid gap-4">
        <p aria-live="polite" className="rounded-2xl bg-mist px-4 py-3 text-base text-tide-deep">
          {span ? describe(span, typed.day, many, zone) : "Choose a day, a time and how long it lasts."}
        </p>
        <TimeFields typed={typed} zone={zone} onType={(more) => setTyped({ ...typed, ...more })} />
        <div className="grid grid-cols-2 gap-4">
          <SeatsField typed={typed} onType={(more) => setTyped({ ...typed, ...more })} />
          <Field
            label="Weeks"
            type="number"
            inputMode="numeric"
            required
            min={1}
            max={WEEKS_MAX}
            value={weeks}
            onChange={(event) => setWeeks(event.target.value)}
          />
        </div>
        {service.venue ? null : (
          <LinkField
            typed={typed}
            onType={(more) => setTyped({ ...typed, ...more })}
            hint={
              service.join_url
                ? "Empty: that of the service. Only guests see it."
                : "Only guests see it, once they have paid."
            }
          />
        )}
        <Refusal error={add.error} zone={zone} />
        <DialogActions>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" busy={add.isPending} disabled={!span}>
            {many === 1 ? "Add the date" : `Add ${many} dates`}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function describe(span: { start: string; end: string }, day: string, weeks: number, zone: string): string {
  const first = formatTimeSpan(span.start, span.end, zone);
  if (weeks <= 1) return first;
  const last = momentIn(addDays(day, (weeks - 1) * 7), timeKey(span.start, zone), zone);
  return `${first}, and every week until ${formatDay(last, zone)}: ${weeks} dates.`;
}

/** Names each time that is taken, and by what. */
function Refusal({ error, zone }: { error: unknown; zone: string }) {
  const conflicts = conflictsIn(error);
  if (conflicts.length === 0) return <ErrorNotice error={error} changes />;
  return (
    <Notice kind="bad" title="You are taken then, so nothing was added">
      <ul className="mt-1 grid list-disc gap-1 pl-5">
        {conflicts.map((conflict) => (
          <li key={conflict.start_datetime}>
            {formatTimeSpan(conflict.start_datetime, null, zone)}: {conflict.taken_by}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function suggested({ dates, duration_min, time_zone: zone }: OwnService): Typed {
  const last = dates.filter((date) => !date.called_off).at(-1);
  const lasts = last ? (Date.parse(last.end_datetime) - Date.parse(last.start_datetime)) / 60_000 : 0;
  return {
    day: last
      ? addDays(dayKey(last.start_datetime, zone), 7)
      : addDays(dayKey(new Date().toISOString(), zone), 7),
    start: last ? timeKey(last.start_datetime, zone) : "10:00",
    lasts: String(Math.round(lasts) || duration_min || LASTS_MIN),
    seats: String(last?.capacity ?? SEATS),
    link: "",
  };
}
