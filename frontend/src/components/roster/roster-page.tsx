"use client";
import type { RosterEntry } from "@/api/generated";
import { Problem } from "@/api/problem";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { ServiceData } from "@/components/orders/service-data";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { useRoster } from "@/lib/queries";
import { dayKey, formatLongDay, formatTime, zoneName } from "@/lib/time";

const DAYS = 28;

export function RosterPage() {
  return (
    <>
      <PageTitle lead={`Whom you meet in the next ${DAYS} days. Everyone listed has paid.`}>Roster</PageTitle>
      <RequireSignIn why="The roster is for practitioners.">
        <RosterView />
      </RequireSignIn>
    </>
  );
}

function RosterView() {
  const roster = useRoster(DAYS);
  if (roster.isPending) return <Loading />;
  if (roster.error instanceof Problem && roster.error.code === "practitioners_only") {
    return (
      <EmptyState
        title="This page is for practitioners"
        action={<ButtonLink href="/bookings/">To your bookings</ButtonLink>}
      >
        <p>What you have booked yourself is under Bookings.</p>
      </EmptyState>
    );
  }
  if (roster.isError) return <LoadError query={roster} />;
  const { time_zone: zone, results } = roster.data;
  const daysOff = (
    <ButtonLink href="/roster/change/" look="quiet" size="small">
      Call off days
    </ButtonLink>
  );
  if (results.length === 0) return <EmptyState title="Nobody is booked yet" action={daysOff} />;
  const days = Map.groupBy(results, (entry) => dayKey(entry.start_datetime, zone));
  return (
    <>
      <div className="mb-6 flex flex-wrap items-center justify-between gap-3">
        <p className="text-soft">Shown in your practice’s time zone: {zoneName(zone)}</p>
        {daysOff}
      </div>
      <div className="grid gap-8">
        {[...days].map(([key, entries]) => (
          <section key={key}>
            <h2 className="mb-3 font-display text-heading">
              {formatLongDay(entries[0]?.start_datetime ?? key, zone)}
            </h2>
            <div className="grid gap-3">
              {entries.map((entry) => (
                <Meeting key={`${entry.start_datetime}${entry.service_name}`} entry={entry} zone={zone} />
              ))}
            </div>
          </section>
        ))}
      </div>
    </>
  );
}

function Meeting({ entry, zone }: { entry: RosterEntry; zone: string }) {
  return (
    <Card className="grid gap-x-6 gap-y-2 p-5 sm:grid-cols-[10rem_1fr]">
      <p className="tabular font-semibold">
        {formatTime(entry.start_datetime, zone)} – {formatTime(entry.end_datetime, zone)}
      </p>
      <div>
        <h3 className="font-semibold">
          {entry.service_name}{" "}
          <span className="font-normal text-base text-soft">
            {entry.guests.length} of {entry.capacity}
          </span>
        </h3>
        {entry.called_off ? (
          <Badge tone="bad">Called off</Badge>
        ) : entry.guests.length === 0 ? (
          <p className="text-base text-soft">Nobody yet</p>
        ) : null}
        <ul className="mt-1 grid gap-1">
          {entry.guests.map((guest) => (
            <li key={guest.booking_id}>
              <p className="flex items-center gap-3">
                {guest.name}
                {guest.disputed ? <Badge tone="wait">Disputed</Badge> : <Badge tone="good">Paid</Badge>}
              </p>
              <ServiceData data={guest.service_data} />
            </li>
          ))}
        </ul>
        <ChangeLink entry={entry} />
      </div>
    </Card>
  );
}

/** A link to call off or move a date, or to call off a 1-on-1 booking; none once it has begun. */
function ChangeLink({ entry }: { entry: RosterEntry }) {
  const booking = entry.guests[0]?.booking_id;
  const what = entry.service_session_id
    ? `session=${entry.service_session_id}`
    : booking && `booking=${booking}`;
  if (!what || entry.called_off || new Date(entry.start_datetime) <= new Date()) return null;
  return (
    <ButtonLink href={`/roster/change/?${what}`} look="plain" size="small" className="mt-2">
      {entry.service_session_id ? "Call off or move" : "Call off"}
      <span className="sr-only">{entry.service_name}</span>
    </ButtonLink>
  );
}
