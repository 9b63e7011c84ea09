"use client";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { PractitionerNav } from "@/components/auth/practitioner-nav";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { byDay, useRosterDays } from "@/lib/roster";
import { zoneName } from "@/lib/time";
import { DayView } from "./day-view";
import { FeedCard } from "./feed-card";
import { RosterToolbar } from "./roster-toolbar";
import { WeekStrip } from "./week-strip";
import { WeekView } from "./week-view";

export function RosterPage() {
  return (
    <>
      <PageTitle lead="Whom you meet, when and where.">Roster</PageTitle>
      <PractitionerNav />
      <RequireSignIn why="The roster is for practitioners.">
        <RosterView />
      </RequireSignIn>
    </>
  );
}

function RosterView() {
  const days = useRosterDays();
  const { roster, day, view, week, zone, today, show } = days;
  if (isForPractitioners(roster.error)) return <ForPractitioners />;
  const meetings = byDay(roster.data?.results ?? [], week, zone);
  return (
    <>
      <RosterToolbar day={day} view={view} today={today} onShow={show} />
      {view === "day" ? (
        <WeekStrip
          days={week}
          chosen={day}
          today={today}
          meetings={meetings}
          onChoose={(to) => show(to, "day")}
        />
      ) : null}
      <div className="mt-6">
        {roster.isPending ? (
          <Loading />
        ) : roster.isError ? (
          <LoadError query={roster} />
        ) : view === "week" ? (
          <WeekView
            days={week}
            today={today}
            meetings={meetings}
            zone={zone}
            onChoose={(to) => show(to, "day")}
          />
        ) : (
          <DayView
            day={day}
            today={today}
            entries={meetings.get(day) ?? []}
            zone={zone}
            onChoose={(to) => show(to, "day")}
          />
        )}
      </div>
      <p className="mt-6 text-base text-soft">Times are in your practice’s time zone: {zoneName(zone)}.</p>
      <div className="no-print mt-10">
        <FeedCard />
      </div>
    </>
  );
}
