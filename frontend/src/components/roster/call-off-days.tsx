"use client";
import { useState } from "react";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { useHours } from "@/components/hours/use-hours";
import { Button, ButtonLink } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import type { ChangeRequest, Days } from "@/lib/date-changes";
import { addDays, dayKey, zoneName } from "@/lib/time";
import { DateChangeForm } from "./date-change-form";

type Props = { onStarted: (change: string) => void };

/** Asks which days to call off, in the practice's own zone, and then shows what that would do. */
export function CallOffDays({ onStarted }: Props) {
  const hours = useHours();
  if (hours.isPending) return <Loading rows={2} />;
  if (isForPractitioners(hours.error)) return <ForPractitioners />;
  if (hours.isError) return <LoadError query={hours} />;
  return <DaysForm zone={hours.data.time_zone} onStarted={onStarted} />;
}

function DaysForm({ zone, onStarted }: Props & { zone: string }) {
  const today = dayKey(new Date().toISOString(), zone);
  const [days, setDays] = useState<Days>({ first: today, last: addDays(today, 6), from: "", until: "" });
  const [request, setRequest] = useState<ChangeRequest>();
  return (
    <>
      <form
        className="mb-6 grid gap-4 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault();
          setRequest({ kind: "call off days", ...days });
        }}
      >
        <DayAndTime
          names={["First day", "From (if not all of it)"]}
          min={today}
          values={[days.first, days.from]}
          onChange={([first, from]) => setDays({ ...days, first, from })}
        />
        <DayAndTime
          names={["Last day", "Until (if not all of it)"]}
          min={days.first}
          values={[days.last, days.until]}
          onChange={([last, until]) => setDays({ ...days, last, until })}
        />
        <Button type="submit" look="quiet" className="min-h-12 justify-self-start">
          Show what would happen
        </Button>
      </form>
      <p className="mb-6 text-soft">
        Every date and every 1-on-1 booking that begins in this time is called off, and nobody can book you in
        it. Days and times are in your practice’s time zone, {zoneName(zone)}.
      </p>
      {request ? (
        <DateChangeForm key={JSON.stringify(request)} request={request} onStarted={onStarted} />
      ) : null}
      <ButtonLink href="/roster/changes/" look="plain" size="small" className="mt-6">
        What you have called off or moved
      </ButtonLink>
    </>
  );
}

type Pair = [day: string, time: string];
type DayAndTimeProps = { names: Pair; min: string; values: Pair; onChange: (values: Pair) => void };

/** A day, and a time on it for who calls off a part of it only. */
function DayAndTime({ names, min, values: [day, time], onChange }: DayAndTimeProps) {
  return (
    <>
      <Field
        label={names[0]}
        type="date"
        required
        min={min}
        value={day}
        onChange={(event) => onChange([event.target.value, time])}
      />
      <Field
        label={names[1]}
        type="time"
        value={time}
        onChange={(event) => onChange([day, event.target.value])}
      />
    </>
  );
}
