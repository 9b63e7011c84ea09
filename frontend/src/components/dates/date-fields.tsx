"use client";
import { Field } from "@/components/ui/field";
import { addDays, dayKey, momentIn } from "@/lib/time";

const AHEAD_MAX_DAYS = 366;
const LASTS_MIN = 5;
const SEATS_MAX = 10_000;

/** What is typed into the fields of a date, each as its text. */
export type Typed = { day: string; start: string; lasts: string; seats: string; link: string };

type Props = { typed: Typed; onType: (typed: Partial<Typed>) => void };

export function TimeFields({ typed, zone, onType }: Props & { zone: string }) {
  const today = dayKey(new Date().toISOString(), zone);
  return (
    <>
      <Field
        label="Day"
        type="date"
        required
        min={today}
        max={addDays(today, AHEAD_MAX_DAYS)}
        value={typed.day}
        onChange={(event) => onType({ day: event.target.value })}
      />
      <div className="grid grid-cols-2 gap-4">
        <Field
          label="Starts"
          type="time"
          required
          value={typed.start}
          onChange={(event) => onType({ start: event.target.value })}
        />
        <Field
          label="Minutes"
          type="number"
          inputMode="numeric"
          required
          min={LASTS_MIN}
          value={typed.lasts}
          onChange={(event) => onType({ lasts: event.target.value })}
        />
      </div>
    </>
  );
}

export function SeatsField({ typed, onType, min = 1, hint }: Props & { min?: number; hint?: string }) {
  return (
    <Field
      label="Seats"
      type="number"
      inputMode="numeric"
      required
      min={min}
      max={SEATS_MAX}
      hint={hint}
      value={typed.seats}
      onChange={(event) => onType({ seats: event.target.value })}
    />
  );
}

export function LinkField({ typed, onType, hint }: Props & { hint: string }) {
  return (
    <Field
      label="Link to join online (if you like)"
      type="url"
      inputMode="url"
      placeholder="https://"
      maxLength={500}
      hint={hint}
      value={typed.link}
      onChange={(event) => onType({ link: event.target.value.trim() })}
    />
  );
}

/** Returns when the typed date begins and ends; undefined while a field has no whole value. */
export function spanOf(
  { day, start, lasts }: Typed,
  zone: string,
): { start: string; end: string } | undefined {
  const minutes = Number(lasts);
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || !/^\d\d:\d\d/.test(start) || !(minutes >= 1)) return undefined;
  const begins = momentIn(day, start.slice(0, 5), zone);
  return { start: begins, end: new Date(Date.parse(begins) + minutes * 60_000).toISOString() };
}
