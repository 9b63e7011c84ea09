"use client";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Button, ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Field } from "@/components/ui/field";
import { PageTitle } from "@/components/ui/page-title";
import type { ChangeRequest, Days } from "@/lib/date-changes";
import { addDays, dayKey } from "@/lib/time";
import { DateChangeForm } from "./date-change-form";
import { DateChangeProgress } from "./date-change-progress";
import { MoveDate } from "./move-date";

/** Calls off or moves what the address names: `session`, `booking`, or nothing for days; `change` shows how far one is. */
export function DateChangePage() {
  const params = useSearchParams();
  const [change, setChange] = useState(params.get("change"));
  const showProgress = (id: string) => {
    // The address names the change, so loading the page again shows how far it is.
    window.history.replaceState(null, "", `/roster/change/?change=${id}`);
    setChange(id);
  };
  return (
    <>
      <PageTitle lead="You see everything that would happen before you confirm it. Guests are written to at once.">
        Call off or move
      </PageTitle>
      <RequireSignIn why="Dates are changed by their practitioners.">
        {change ? (
          <DateChangeProgress id={change} />
        ) : (
          <Choice session={params.get("session")} booking={params.get("booking")} onStarted={showProgress} />
        )}
      </RequireSignIn>
    </>
  );
}

type ChoiceProps = { session: string | null; booking: string | null; onStarted: (change: string) => void };

function Choice({ session, booking, onStarted }: ChoiceProps) {
  if (booking) {
    return (
      <DateChangeForm request={{ kind: "call off booking", id: Number(booking) }} onStarted={onStarted} />
    );
  }
  if (session) return <SessionChoice id={Number(session)} onStarted={onStarted} />;
  return <DaysChoice onStarted={onStarted} />;
}

function SessionChoice({ id, onStarted }: { id: number; onStarted: (change: string) => void }) {
  const [way, setWay] = useState<"call off" | "move">("call off");
  if (!Number.isSafeInteger(id)) {
    return (
      <EmptyState
        title="This date is not known"
        action={<ButtonLink href="/roster/">To your roster</ButtonLink>}
      />
    );
  }
  return (
    <>
      <fieldset className="mb-6 flex flex-wrap gap-x-6 gap-y-2">
        <legend className="mb-2 font-semibold">What shall happen to this date?</legend>
        <WayOption checked={way === "call off"} onChoose={() => setWay("call off")}>
          Call it off
        </WayOption>
        <WayOption checked={way === "move"} onChoose={() => setWay("move")}>
          Move it to another time
        </WayOption>
      </fieldset>
      {way === "move" ? (
        <MoveDate id={id} onStarted={onStarted} />
      ) : (
        <DateChangeForm request={{ kind: "call off session", id }} onStarted={onStarted} />
      )}
    </>
  );
}

function WayOption(props: { checked: boolean; onChoose: () => void; children: string }) {
  return (
    <label className="flex min-h-11 items-center gap-2">
      <input
        type="radio"
        name="way"
        checked={props.checked}
        onChange={props.onChoose}
        className="size-5 accent-tide"
      />
      {props.children}
    </label>
  );
}

function DaysChoice({ onStarted }: { onStarted: (change: string) => void }) {
  const today = dayKey(new Date().toISOString());
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
        it. Times are those of your practice.
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
