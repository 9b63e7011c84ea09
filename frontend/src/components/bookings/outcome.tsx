"use client";
import Link from "next/link";
import { createContext, type ReactNode, useContext } from "react";
import type { CanceledBooking } from "@/api/generated";
import { destinationText, durationText } from "@/components/orders/refund-text";
import { Notice } from "@/components/ui/notice";
import { TimeSpan } from "@/components/ui/time-span";
import { formatMoney } from "@/lib/money";

type Changed = { bookingId: string; orderId: string; title: string };

/** What just became of a booking: canceled or given back, with the refund if one follows; or moved to another time. */
export type Outcome =
  | (Changed & { kind: "canceled" | "declined"; refund: CanceledBooking["refund"] })
  | (Changed & { kind: "moved"; from: string; to: string; end: string | null; zone?: string });

export const OutcomeContext = createContext<(outcome: Outcome) => void>(() => undefined);

/** Returns a function that shows on the bookings page what became of a booking. */
export const useShowOutcome = () => useContext(OutcomeContext);

const scrollHere = (node: HTMLElement | null) => node?.scrollIntoView({ block: "center" });

/** Says what was changed and what follows, in view of whoever changed it. */
export function OutcomeNotice({ outcome }: { outcome: Outcome }) {
  return (
    <div ref={scrollHere}>
      {outcome.kind !== "moved" ? (
        <OutcomeBox
          outcome={outcome}
          title={
            outcome.kind === "canceled" ? `${outcome.title} is canceled` : `You gave ${outcome.title} back`
          }
        >
          {outcome.refund ? (
            <p>
              {formatMoney(outcome.refund.amount, outcome.refund.currency)} comes back to you:{" "}
              {destinationText(outcome.refund, outcome.refund.currency)}. {durationText(outcome.refund)}
            </p>
          ) : (
            <p>Nothing comes back for it.</p>
          )}
        </OutcomeBox>
      ) : (
        <OutcomeBox outcome={outcome} title={`${outcome.title} is moved`}>
          <p>
            It begins <TimeSpan start={outcome.to} end={outcome.end} zone={outcome.zone} /> now. It was{" "}
            <TimeSpan start={outcome.from} end={null} zone={outcome.zone} />.
          </p>
          <p>The new time is on its way to you by mail, with an entry for your calendar.</p>
        </OutcomeBox>
      )}
    </div>
  );
}

function OutcomeBox({ outcome, title, children }: { outcome: Changed; title: string; children: ReactNode }) {
  return (
    <Notice kind="good" title={title}>
      {children}
      <Link
        href={`/orders/?id=${outcome.orderId}`}
        className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
      >
        See the order
      </Link>
    </Notice>
  );
}
