"use client";
import { CalendarPlus, Video } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import type { Booking } from "@/api/generated";
import { serverNow } from "@/api/server-clock";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Place } from "@/components/ui/place";
import { TimeSpan } from "@/components/ui/time-span";
import { downloadCalendar } from "@/lib/calendar";
import { isZero } from "@/lib/money";
import type { When } from "@/lib/queries";
import { BOOKING_STATUSES } from "@/lib/status-labels";
import { formatDay, formatTimestamp } from "@/lib/time";
import { CancelBooking } from "./cancel-booking";
import { DeclineNewTime } from "./decline-new-time";
import { MoveDialog } from "./move-dialog";
import { ScheduleDialog } from "./schedule-dialog";

type Props = { booking: Booking; when: When; count: number };

export function BookingCard({ booking, when, count }: Props) {
  const state = BOOKING_STATUSES[booking.status ?? "confirmed"];
  return (
    <article className="flex w-full flex-col rounded-3xl border border-line bg-card p-5">
      <div className="flex items-start justify-between gap-3">
        <h3 className="font-display text-heading leading-snug">{booking.service_name}</h3>
        {when === "unscheduled" ? (
          <Badge tone="wait">{count > 1 ? `${count} to schedule` : "No time yet"}</Badge>
        ) : (
          <Badge tone={state.tone}>{state.label}</Badge>
        )}
      </div>
      <p className="text-base text-soft">with {booking.practitioner.name}</p>
      <Times booking={booking} />
      {booking.canceled_at ? (
        <p className="mt-2 text-base text-soft">
          Canceled {formatTimestamp(booking.canceled_at)}.{" "}
          {isZero(booking.amount) ? null : "Its order shows what came back."}
        </p>
      ) : null}
      {booking.status === "canceled" ? null : (
        <Place venue={booking.venue} location={booking.location} className="mt-2" />
      )}
      {booking.join_url && booking.service_type !== "course" ? (
        <p className="mt-3">
          <JoinLink url={booking.join_url} about={booking.service_name} />
        </p>
      ) : null}
      <DeclineNewTime booking={booking} />
      <div className="flex-1" />
      <Actions booking={booking} when={when} count={count} />
    </article>
  );
}

/** The link to a meeting online; its address tells the other side nothing about this page. */
function JoinLink({ url, about }: { url: string; about: string }) {
  return (
    <a
      href={url}
      target="_blank"
      rel="noopener noreferrer"
      className="inline-flex min-h-11 items-center gap-1.5 font-semibold text-tide underline underline-offset-4"
    >
      <Video aria-hidden="true" className="size-4" />
      Join online<span className="sr-only">: {about} (opens a new tab)</span>
    </a>
  );
}

function Actions({ booking, when, count }: Props) {
  const [scheduling, setScheduling] = useState(false);
  const [moving, setMoving] = useState(false);
  const live = booking.status === "confirmed" || booking.status === "partially_refunded";
  // The button beside it gives everything back. A disputed payment can't be declined, only canceled.
  const canDecline = booking.decline_until !== null && !booking.disputed;
  return (
    <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-t pt-4">
      {when === "unscheduled" ? (
        <Button size="small" onClick={() => setScheduling(true)}>
          Choose a time
        </Button>
      ) : null}
      {when === "upcoming" && booking.start_datetime ? (
        <Button look="quiet" size="small" onClick={() => downloadCalendar(booking)}>
          <CalendarPlus aria-hidden="true" className="size-4" />
          Add to calendar
        </Button>
      ) : null}
      {when === "upcoming" && booking.can_move ? (
        <Button look="plain" className="text-base" onClick={() => setMoving(true)}>
          Move
        </Button>
      ) : null}
      {when === "upcoming" ? <WhyNotMoved booking={booking} /> : null}
      {live && when !== "past" && !canDecline ? (
        <CancelBooking booking={booking} label={count > 1 ? "Cancel one" : "Cancel"} />
      ) : null}
      <Link
        href={`/orders/?id=${booking.order_id}`}
        className="ml-auto inline-flex min-h-11 items-center text-base text-tide underline underline-offset-4"
      >
        See order
      </Link>
      {scheduling ? <ScheduleDialog booking={booking} onClose={() => setScheduling(false)} /> : null}
      {moving ? <MoveDialog booking={booking} onClose={() => setMoving(false)} /> : null}
    </div>
  );
}

/** Says why a booking that could be moved once can't be moved any more. */
function WhyNotMoved({ booking }: { booking: Booking }) {
  const { can_move: movable, moves_left: left, move_until: until, former_start_datetime: former } = booking;
  if (movable || booking.status !== "confirmed") return null;
  const why =
    former && left === 0
      ? "It can’t be moved again."
      : left > 0 && until && Date.parse(until) < serverNow()
        ? `It could be moved until ${formatTimestamp(until)}.`
        : "";
  return why ? <p className="text-base text-soft">{why}</p> : null;
}

function Times({ booking }: { booking: Booking }) {
  if (booking.service_type === "course" && booking.sessions.length > 0) {
    return (
      <details className="mt-3">
        <summary className="cursor-pointer font-semibold">
          {booking.sessions.length} meetings, from {formatDay(booking.sessions[0]?.start_datetime ?? "")}
        </summary>
        <ol className="mt-2 grid gap-1 text-base text-soft">
          {booking.sessions.map((session) => (
            <li key={session.id}>
              <TimeSpan
                start={session.start_datetime}
                end={session.end_datetime}
                zone={booking.venue?.time_zone}
              />{" "}
              {session.join_url ? (
                <JoinLink url={session.join_url} about={formatDay(session.start_datetime)} />
              ) : null}
            </li>
          ))}
        </ol>
      </details>
    );
  }
  if (booking.start_datetime) {
    return (
      <>
        <p className="mt-3 font-semibold">
          <TimeSpan
            start={booking.start_datetime}
            end={booking.end_datetime}
            zone={booking.venue?.time_zone}
          />
        </p>
        {booking.former_start_datetime && booking.former_start_datetime !== booking.start_datetime ? (
          <p className="text-base text-soft">
            Moved; it was{" "}
            <TimeSpan start={booking.former_start_datetime} end={null} zone={booking.venue?.time_zone} />
          </p>
        ) : null}
      </>
    );
  }
  if (booking.status === "canceled") return null;
  return booking.valid_until ? (
    <p className="mt-3">Choose a time by {formatTimestamp(booking.valid_until)}</p>
  ) : (
    <p className="mt-3">Choose a time whenever you like</p>
  );
}
