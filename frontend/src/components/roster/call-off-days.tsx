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
  const change = (part: Partial<Days>) => setDays({ ...days, ...part });
  return (
    <>
      <form
        className="mb-6 grid gap-4 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault();
          setRequest({ kind: "call off days", ...days });
        }}
      >
        <Field
          label="First day"
          type="date"
          required
          min={today}
          value={days.first}
          onChange={(e) => change({ first: e.target.value })}
        />
        <Field
          label="From (if not all of it)"
          type="time"
          value={days.from}
          onChange={(e) => change({ from: e.target.value })}
        />
        <Field
          label="Last day"
          type="date"
          required
          min={days.first}
          value={days.last}
          onChange={(e) => change({ last: e.target.value })}
        />
        <Field
          label="Until (if not all of it)"
          type="time"
          value={days.until}
          onChange={(e) => change({ until: e.target.value })}
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
