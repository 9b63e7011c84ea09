"use client";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Hours, type HoursException, hoursExceptionsDestroy } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatWeekdayDate } from "./day-names";
import { OtherHoursDialog } from "./other-hours-dialog";
import { useShowHours } from "./use-hours";
import { formatWindows } from "./windows";

/** Dates with hours of their own in place of the weekly ones. */
export function OtherHours({ hours }: { hours: Hours }) {
  const [edited, setEdited] = useState<HoursException | "new">();
  const show = useShowHours();
  const remove = useMutation({
    mutationFn: ({ day }: HoursException) => unwrap(hoursExceptionsDestroy({ path: { day } })),
    onSuccess: (answer, { day }) => {
      show(answer);
      announce(`${formatWeekdayDate(day)} has its weekly hours again.`);
    },
  });
  return (
    <Card className="p-4">
      <CardTitle>Days with other hours</CardTitle>
      <p className="mt-1 text-soft">On these days, the hours below hold in place of the weekly ones.</p>
      <ErrorNotice error={remove.error} changes className="mt-3" />
      <ul className="mt-2 divide-y divide-line">
        {hours.exceptions.map((one) => (
          <li key={one.day} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-3">
            <p>
              <span className="font-semibold">{formatWeekdayDate(one.day)}</span>
              <br />
              <span className="text-soft first-letter:uppercase">{formatWindows(one.windows)}</span>
            </p>
            <div className="flex gap-2">
              <Button look="quiet" onClick={() => setEdited(one)}>
                Change<span className="sr-only"> {formatWeekdayDate(one.day)}</span>
              </Button>
              <Button
                look="plain"
                className="min-h-11 px-2"
                busy={remove.isPending && remove.variables.day === one.day}
                onClick={() => remove.mutate(one)}
              >
                Remove<span className="sr-only"> {formatWeekdayDate(one.day)}</span>
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <Button look="quiet" className="mt-3" onClick={() => setEdited("new")}>
        Add a day with other hours
      </Button>
      {edited ? (
        <OtherHoursDialog
          hours={hours}
          edited={edited === "new" ? undefined : edited}
          onClose={() => setEdited(undefined)}
        />
      ) : null}
    </Card>
  );
}
