"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type DaysOff as Days, rosterDaysOpenCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button, ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatDate } from "@/lib/time";
import { useRefetchHours } from "./use-hours";

/** Days that were called off: nobody can book them until they are open again. */
export function DaysOff({ days }: { days: readonly Days[] }) {
  const client = useQueryClient();
  const refetch = useRefetchHours();
  const open = useMutation({
    mutationFn: ({ first_day, last_day }: Days) =>
      unwrap(rosterDaysOpenCreate({ body: { first_day, last_day } })),
    onSuccess: async (_, range) => {
      await refetch();
      // Slots that were free before are free again.
      void client.invalidateQueries({ queryKey: ["slots"] });
      announce(`${spanOf(range)}: open for bookings again.`);
    },
  });
  return (
    <Card className="p-4">
      <CardTitle>Days off</CardTitle>
      <p className="mt-1 text-soft">
        Nobody can book these days. Calling days off also calls off what is booked on them; you see it all
        before.
      </p>
      <ErrorNotice error={open.error} changes className="mt-3" />
      <ul className="mt-2 divide-y divide-line">
        {days.map((range) => (
          <li
            key={range.start_datetime}
            className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-3"
          >
            <span className="font-semibold">{spanOf(range)}</span>
            <Button
              look="quiet"
              busy={open.isPending && open.variables === range}
              onClick={() => open.mutate(range)}
            >
              Open again<span className="sr-only">: {spanOf(range)}</span>
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

const spanOf = ({ first_day: first, last_day: last }: Days) =>
  first === last ? formatDate(first) : `${formatDate(first)} – ${formatDate(last)}`;
