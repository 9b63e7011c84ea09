"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type DaysOff as Days, rosterDaysOpenCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatDate, formatTime } from "@/lib/time";
import { useRefetchHours } from "./use-hours";

/** Days that were called off: nobody can book them until they are open again. */
export function DaysOff({ days, zone }: { days: readonly Days[]; zone: string }) {
  const client = useQueryClient();
  const refetch = useRefetchHours();
  const open = useMutation({
    mutationFn: ({ first_day, last_day, start_time, end_time }: Days) =>
      unwrap(
        rosterDaysOpenCreate({
          body: {
            first_day,
            last_day,
            ...(start_time ? { start_time } : {}),
            ...(end_time ? { end_time } : {}),
          },
        }),
      ),
    onSuccess: async (_, range) => {
      await refetch();
      // Slots that were free before are free again.
      void client.invalidateQueries({ queryKey: ["slots"] });
      announce(`${spanOf(range, zone)}: open for bookings again.`);
    },
  });
  return (
    <Card className="p-4">
      <CardTitle>Days off</CardTitle>
      <p className="mt-1 text-soft">
        Nobody can book this time. Calling days off also calls off what is booked on them; you see it all
        before.
      </p>
      <ErrorNotice error={open.error} changes className="mt-3" />
      <ul className="mt-2 divide-y divide-line">
        {days.map((range) => (
          <li
            key={range.start_datetime}
            className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-3"
          >
            <span className="font-semibold">{spanOf(range, zone)}</span>
            <Button
              look="quiet"
              busy={open.isPending && open.variables === range}
              onClick={() => open.mutate(range)}
            >
              Open again<span className="sr-only">: {spanOf(range, zone)}</span>
            </Button>
          </li>
        ))}
      </ul>
      <ButtonLink href="/roster/change/" look="quiet" className="mt-3">
        Call off days
      </ButtonLink>
    </Card>
  );
}

/** Returns the days, with the hours of those that are closed in part: "Dec 1, 2026, 6:00 PM – Dec 3, 2026". */
function spanOf(range: Days, zone: string): string {
  const [first, last] = [formatDate(range.first_day), formatDate(range.last_day)];
  const from = range.start_time ? formatTime(range.start_datetime, zone) : "";
  const until = range.end_time ? formatTime(range.end_datetime, zone) : "";
  if (first !== last)
    return `${[first, from].filter(Boolean).join(", ")} – ${[last, until].filter(Boolean).join(", ")}`;
  if (from && until) return `${first}, ${from} – ${until}`;
  if (from) return `${first}, from ${from}`;
  return until ? `${first}, until ${until}` : first;
}
