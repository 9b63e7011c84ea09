"use client";
import type { Hours } from "@/api/generated";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { PractitionerNav } from "@/components/auth/practitioner-nav";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { BookingsOutside } from "./bookings-outside";
import { DaysOff } from "./days-off";
import { OtherHours } from "./other-hours";
import { useHours } from "./use-hours";
import { WeekEditor } from "./week-editor";

export function HoursPage() {
  return (
    <div className="mx-auto max-w-3xl">
      <PageTitle lead="When people can book you for 1-on-1 sessions. What is booked already stays as it is.">
        Your hours
      </PageTitle>
      <PractitionerNav />
      <RequireSignIn why="Hours are changed by their practitioners.">
        <HoursView />
      </RequireSignIn>
    </div>
  );
}

function HoursView() {
  const hours = useHours();
  if (hours.isPending) return <Loading />;
  if (isForPractitioners(hours.error)) return <ForPractitioners />;
  if (hours.isError) return <LoadError query={hours} />;
  return <Sections hours={hours.data} />;
}

function Sections({ hours }: { hours: Hours }) {
  return (
    <div className="grid gap-6">
      <BookingsOutside outside={hours.outside} zone={hours.time_zone} />
      <WeekEditor hours={hours} />
      <OtherHours hours={hours} />
      <DaysOff days={hours.days_off} zone={hours.time_zone} />
      <p className="text-soft">
        Your time zone, {hours.time_zone.replaceAll("_", " ")}, is part of your profile. Write to us to have
        it changed.
      </p>
    </div>
  );
}
