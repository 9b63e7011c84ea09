"use client";
import { StickyNote, Video } from "lucide-react";
import type { Guest, RosterEntry } from "@/api/generated";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Place } from "@/components/ui/place";
import { ServiceData } from "@/components/ui/service-data";
import { cn } from "@/lib/cn";
import { canWrite, describeVisit, hasData, isOnNow, isOver, PAYMENTS } from "@/lib/roster";
import { formatTime, formatTimestamp } from "@/lib/time";
import { WriteButton } from "./write-button";

/** One meeting: when, what, where, and each guest with notes, payment and a way to write. */
export function MeetingCard({ entry, zone }: { entry: RosterEntry; zone: string }) {
  return (
    <Card
      className={cn(
        "grid gap-x-6 gap-y-3 break-inside-avoid p-5 md:grid-cols-[9.5rem_1fr]",
        entry.called_off && "bg-sand/50",
      )}
    >
      <div>
        <p className="tabular font-semibold">
          {formatTime(entry.start_datetime, zone)}
          <span className="font-normal text-soft"> – {formatTime(entry.end_datetime, zone)}</span>
        </p>
        <Marks entry={entry} />
      </div>
      <div className="min-w-0">
        <h3 className={cn("break-words font-display text-heading", entry.called_off && "line-through")}>
          {entry.service_name}
        </h3>
        <Seats entry={entry} />
        {entry.moved_from_datetime ? (
          <p className="mt-1 text-base text-soft">
            Moved from {formatTimestamp(entry.moved_from_datetime, zone)}
          </p>
        ) : null}
        <Where entry={entry} />
        {entry.guests.length > 0 ? (
          <ul className="mt-4 divide-y divide-line border-line border-y">
            {entry.guests.map((guest) => (
              <GuestRow key={guest.booking_id} guest={guest} entry={entry} />
            ))}
          </ul>
        ) : null}
        <Actions entry={entry} />
      </div>
    </Card>
  );
}

function Marks({ entry }: { entry: RosterEntry }) {
  if (entry.called_off) return <Badge tone="bad">Called off</Badge>;
  if (isOnNow(entry)) return <Badge tone="good">Now</Badge>;
  return isOver(entry) ? <Badge>Over</Badge> : null;
}

function Seats({ entry }: { entry: RosterEntry }) {
  if (!entry.service_session_id || entry.called_off) return null;
  const left = isOver(entry) ? "" : entry.seats_left === 0 ? ", full" : `, ${entry.seats_left} left`;
  return (
    <p className="text-base text-soft">
      {entry.guests.length === 0 ? "Nobody yet" : `${entry.guests.length} of ${entry.capacity} places booked`}
      {entry.guests.length === 0 ? ` of ${entry.capacity}` : left}
    </p>
  );
}

function Where({ entry }: { entry: RosterEntry }) {
  if (entry.called_off) return null;
  return (
    <>
      <Place location={entry.location} venue={entry.venue} className="mt-2" />
      {entry.join_url ? (
        <a
          href={entry.join_url}
          target="_blank"
          rel="noopener noreferrer"
          className="no-print mt-2 inline-flex min-h-11 items-center gap-2 rounded-full border border-edge px-4 font-semibold text-tide hover:border-tide hover:bg-mist"
        >
          <Video aria-hidden="true" className="size-5" />
          Join online<span className="sr-only">: {entry.service_name}</span>
        </a>
      ) : null}
    </>
  );
}

function GuestRow({ guest, entry }: { guest: Guest; entry: RosterEntry }) {
  const payment = PAYMENTS[guest.payment];
  return (
    <li className="py-3">
      <div className="flex items-start justify-between gap-3">
        <div className="flex min-h-11 min-w-0 flex-wrap items-center gap-x-2.5 gap-y-1">
          <p className="break-words font-semibold">{guest.name}</p>
          <Badge tone={payment.tone}>{payment.text}</Badge>
          <span className="text-base text-soft">{describeVisit(guest.earlier_visits)}</span>
        </div>
        {canWrite(entry) ? (
          <WriteButton
            to={{ booking: Number(guest.booking_id) }}
            who={guest.name}
            label="Write"
            about={entry.service_name}
          />
        ) : null}
      </div>
      {guest.disputed ? (
        <p className="mt-1 text-base text-soft">
          The bank asks for this payment back. Until it has decided, the booking stands.
        </p>
      ) : null}
      {hasData(guest.service_data) ? <Note data={guest.service_data} /> : null}
    </li>
  );
}

function Note({ data }: { data: Record<string, unknown> }) {
  return (
    <div className="mt-2 flex gap-2.5 rounded-2xl bg-honey-mist px-4 py-3">
      <StickyNote aria-hidden="true" className="mt-1 size-4 shrink-0 text-honey" />
      <div className="min-w-0">
        <p className="sr-only">Note</p>
        <ServiceData data={data} />
      </div>
    </div>
  );
}

/** What can be done with a whole meeting: write to all its guests; call it off or move it until it begins. */
function Actions({ entry }: { entry: RosterEntry }) {
  const booking = entry.guests[0]?.booking_id;
  const what = entry.service_session_id
    ? `session=${entry.service_session_id}`
    : booking && `booking=${booking}`;
  const canChange = what && !entry.called_off && new Date(entry.start_datetime) > new Date();
  const canWriteToAll = entry.service_session_id && entry.guests.length > 1 && canWrite(entry);
  if (!canChange && !canWriteToAll) return null;
  return (
    <div className="no-print mt-3 flex flex-wrap items-center gap-x-4 gap-y-1">
      {canWriteToAll ? (
        <WriteButton
          to={{ session: Number(entry.service_session_id) }}
          who={`all ${entry.guests.length} guests`}
          label={`Write to all ${entry.guests.length}`}
          about={entry.service_name}
        />
      ) : null}
      {canChange ? (
        <ButtonLink href={`/roster/change/?${what}`} look="plain" className="min-h-11">
          {entry.service_session_id ? "Call off or move" : "Call off"}
          <span className="sr-only"> {entry.service_name}</span>
        </ButtonLink>
      ) : null}
    </div>
  );
}
