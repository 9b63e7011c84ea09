"use client";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import { PractitionerNav } from "@/components/auth/practitioner-nav";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageTitle } from "@/components/ui/page-title";
import { CallOffDays } from "./call-off-days";
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
  const session = params.get("session");
  const booking = params.get("booking");
  return (
    <>
      {change ? (
        <PageTitle lead="What happens to each guest, and what goes back.">Called off and moved</PageTitle>
      ) : (
        <PageTitle lead="You see everything that would happen before you confirm it. Guests are written to at once.">
          {booking ? "Call off a booking" : session ? "Call off or move a date" : "Call off days"}
        </PageTitle>
      )}
      <PractitionerNav />
      <RequireSignIn why="Dates are changed by their practitioners.">
        {change ? (
          <DateChangeProgress id={change} />
        ) : (
          <Choice session={session} booking={booking} onStarted={showProgress} />
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
  return <CallOffDays onStarted={onStarted} />;
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
