"use client";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Button, ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Field } from "@/components/ui/field";
import { PageTitle } from "@/components/ui/page-title";
import type { ChangeRequest } from "@/lib/date-changes";
import { addDays, dayKey } from "@/lib/time";
import { DateChangeForm } from "./date-change-form";
import { DateChangeProgress } from "./date-change-progress";
import { MoveDate } from "./move-date";

/** Calls off or moves what the address names: `session`, `booking`, or nothing for days; `change` shows how far one is. */
export function DateChangePage() {
  const params = useSearchParams();
  const [change, setChange] = useState(params.get("change"));
  const begun = (id: string) => {
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
          <Choice session={params.get("session")} booking={params.get("booking")} onBegun={begun} />
        )}
      </RequireSignIn>
    </>
  );
}

type ChoiceProps = { session: string | null; booking: string | null; onBegun: (change: string) => void };

function Choice({ session, booking, onBegun }: ChoiceProps) {
  if (booking) {
    return <DateChangeForm request={{ kind: "call off booking", id: Number(booking) }} onBegun={onBegun} />;
  }
  if (session) return <SessionChoice id={Number(session)} onBegun={onBegun} />;
  return <DaysChoice onBegun={onBegun} />;
}

function SessionChoice({ id, onBegun }: { id: number; onBegun: (change: string) => void }) {
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
        <MoveDate id={id} onBegun={onBegun} />
      ) : (
        <DateChangeForm request={{ kind: "call off session", id }} onBegun={onBegun} />
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

function DaysChoice({ onBegun }: { onBegun: (change: string) => void }) {
  const today = dayKey(new Date().toISOString());
  const [first, setFirst] = useState(today);
  const [last, setLast] = useState(addDays(today, 6));
  const [request, setRequest] = useState<ChangeRequest>();
  return (
    <>
      <form
        className="mb-6 grid gap-4 sm:grid-cols-[1fr_1fr_auto] sm:items-end"
        onSubmit={(event) => {
          event.preventDefault();
          setRequest({ kind: "call off days", first, last });
        }}
      >
        <Field
          label="First day"
          type="date"
          required
          min={today}
          value={first}
          onChange={(e) => setFirst(e.target.value)}
        />
        <Field
          label="Last day"
          type="date"
          required
          min={first}
          value={last}
          onChange={(e) => setLast(e.target.value)}
        />
        <Button type="submit" look="quiet" className="min-h-12">
          Show what would happen
        </Button>
      </form>
      <p className="mb-6 text-soft">
        Every date and every 1-on-1 booking on these days is called off, and nobody can book you on them.
      </p>
      {request ? <DateChangeForm key={JSON.stringify(request)} request={request} onBegun={onBegun} /> : null}
    </>
  );
}
