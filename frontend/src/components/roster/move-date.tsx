"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import type { ChangeRequest } from "@/lib/date-changes";
import { datePreviewQuery } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { dayKey, momentIn, timeKey, zoneName } from "@/lib/time";
import { DateChangeForm } from "./date-change-form";

type Props = { id: number; onStarted: (change: string) => void };

/** Asks for the new time of a date, in the practice's own zone, and then shows what the move would do. */
export function MoveDate({ id, onStarted }: Props) {
  const now = useSteady(useQuery(datePreviewQuery({ kind: "call off session", id })), String(id));
  if (now.isPending) return <Loading rows={1} />;
  if (isForPractitioners(now.error)) return <ForPractitioners />;
  if (now.isError) return <LoadError query={now} />;
  const { start_datetime: start, end_datetime: end, time_zone: zone, title } = now.data;
  return (
    <>
      <p className="mb-4 font-semibold">{title}</p>
      <NewTime id={id} start={start} end={end} zone={zone} onStarted={onStarted} />
    </>
  );
}

type NewTimeProps = Props & { start: string; end: string; zone: string };

function NewTime({ id, start, end, zone, onStarted }: NewTimeProps) {
  const [day, setDay] = useState(dayKey(start, zone));
  const [from, setFrom] = useState(timeKey(start, zone));
  const [request, setRequest] = useState<ChangeRequest>();
  const show = () => {
    const begins = momentIn(day, from, zone);
    const lasts = Date.parse(end) - Date.parse(start);
    const ends = new Date(Date.parse(begins) + lasts).toISOString();
    setRequest({ kind: "move", id, start: begins, end: ends });
  };
  return (
    <>
      <form
        className="mb-2 grid gap-4 sm:grid-cols-[1fr_1fr_auto] sm:items-end"
        onSubmit={(event) => {
          event.preventDefault();
          show();
        }}
      >
        <Field label="New day" type="date" required value={day} onChange={(e) => setDay(e.target.value)} />
        <Field
          label="New start"
          type="time"
          required
          value={from}
          onChange={(e) => setFrom(e.target.value)}
        />
        <Button type="submit" look="quiet" className="min-h-12">
          Show what would happen
        </Button>
      </form>
      <p className="mb-6 text-base text-soft">
        In your practice’s time zone, {zoneName(zone)}. It lasts as long as before.
      </p>
      {request ? (
        <DateChangeForm key={JSON.stringify(request)} request={request} onStarted={onStarted} />
      ) : null}
    </>
  );
}
