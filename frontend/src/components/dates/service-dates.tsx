"use client";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { OwnDate, OwnService } from "@/api/generated";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { useOwnDates } from "@/lib/own-dates";
import { zoneName } from "@/lib/time";
import { DateItem } from "./date-item";
import { NewDateDialog } from "./new-date-dialog";

/** One workshop or course: its dates to come, the past ones folded, and a button for a new one. */
export function ServiceDates({ service }: { service: OwnService }) {
  const [adding, setAdding] = useState(false);
  const canAdd = service.active && !service.sold_as_it_is;
  return (
    <Card aria-label={service.name}>
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
        <div className="min-w-0">
          <p className="mb-1 flex flex-wrap gap-2">
            <Badge tone="calm">{service.type === "course" ? "Course" : "Workshop"}</Badge>
            {service.active ? null : <Badge>Not offered</Badge>}
          </p>
          <CardTitle className="break-words">{service.name}</CardTitle>
          <p className="text-base text-soft">
            {service.venue?.name ?? service.location} · times in {zoneName(service.time_zone)}
          </p>
        </div>
        {canAdd ? (
          <Button className="w-full sm:w-auto" onClick={() => setAdding(true)}>
            <Plus aria-hidden="true" className="size-5" />
            New date
            <span className="sr-only">of {service.name}</span>
          </Button>
        ) : null}
      </div>
      {canAdd ? null : <WhyNoDate service={service} />}
      <ComingDates service={service} />
      <PastDates service={service} />
      {adding ? <NewDateDialog service={service} onClose={() => setAdding(false)} /> : null}
    </Card>
  );
}

function WhyNoDate({ service }: { service: OwnService }) {
  return (
    <p className="mt-4 rounded-2xl bg-mist px-4 py-3 text-base text-tide-deep">
      {service.sold_as_it_is
        ? "Guests have bought this course as it is, so it gets no further date: they would have no seat in it. You can move one."
        : "It is not offered at present, so it gets no new dates."}
    </p>
  );
}

function ComingDates({ service }: { service: OwnService }) {
  const [all, setAll] = useState(false);
  const dates = useOwnDates(service.id, "upcoming", all);
  const shown = all && dates.data ? dates.data.pages.flatMap((page) => page.results) : service.dates;
  if (shown.length === 0) {
    return (
      <p className="mt-5 border-line border-t pt-5 text-soft">No date to come, so nobody can book it.</p>
    );
  }
  return (
    <>
      <DateList dates={shown} service={service} />
      {all && dates.isError ? <LoadError query={dates} /> : null}
      {all ? (
        <LoadMore pages={dates} />
      ) : service.has_more_dates ? (
        <p className="mt-5 text-center">
          <Button look="quiet" onClick={() => setAll(true)}>
            Show all dates
          </Button>
        </p>
      ) : null}
    </>
  );
}

function DateList({ dates, service }: { dates: readonly OwnDate[]; service: OwnService }) {
  return (
    <ul className="mt-5 border-line border-t">
      {dates.map((date) => (
        <DateItem key={date.id} date={date} service={service} />
      ))}
    </ul>
  );
}

/** Fetched once they are unfolded. */
function PastDates({ service }: { service: OwnService }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-4" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-11 w-fit cursor-pointer items-center font-semibold text-tide">
        Past dates
      </summary>
      {open ? <PastList service={service} /> : null}
    </details>
  );
}

function PastList({ service }: { service: OwnService }) {
  const dates = useOwnDates(service.id, "past", true);
  if (dates.isPending) return <Loading rows={1} />;
  if (dates.isError) return <LoadError query={dates} />;
  const past = dates.data.pages.flatMap((page) => page.results);
  if (past.length === 0) return <p className="text-soft">There were none.</p>;
  return (
    <>
      <DateList dates={past} service={service} />
      <LoadMore pages={dates} />
    </>
  );
}
