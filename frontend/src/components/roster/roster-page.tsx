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
  if (results.length === 0) return <EmptyState title="Nobody is booked yet" />;
  const days = Map.groupBy(results, (entry) => dayKey(entry.start_datetime, zone));
  return (
    <>
      <p className="mb-6 text-soft">Shown in your practice’s time zone: {zoneName(zone)}</p>
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
        {entry.guests.length === 0 ? <p className="text-base text-soft">Nobody yet</p> : null}
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
      </div>
    </Card>
  );
}
