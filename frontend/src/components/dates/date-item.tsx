"use client";
import { useState } from "react";
import type { OwnDate, OwnService } from "@/api/generated";
import { Badge } from "@/components/ui/badge";
import { Button, ButtonLink } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { announce } from "@/lib/announce";
import { useDeleteDate } from "@/lib/own-dates";
import { formatDay, formatTime, formatTimeSpan, monthAndDay } from "@/lib/time";
import { ChangeDateDialog } from "./change-date-dialog";

type Props = { date: OwnDate; service: OwnService };

/** One date: when, how many seats are taken, and what can be done with it. */
export function DateItem({ date, service }: Props) {
  const zone = service.time_zone;
  const { start_datetime: start, end_datetime: end } = date;
  const { month, day } = monthAndDay(start, zone);
  return (
    <li className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-3 border-line border-b py-4 last:border-b-0 last:pb-0 sm:grid-cols-[auto_1fr_auto]">
      <p
        aria-hidden="true"
        className={`grid w-14 justify-items-center rounded-2xl py-1.5 leading-tight ${date.called_off ? "bg-sand text-soft" : "bg-mist text-tide-deep"}`}
      >
        <span className="font-semibold text-sm uppercase">{month}</span>
        <span className="tabular font-display text-2xl">{day}</span>
      </p>
      <div className="min-w-0">
        <p className={`font-semibold ${date.called_off ? "text-soft line-through" : ""}`}>
          {formatDay(start, zone)},{" "}
          <span className="tabular whitespace-nowrap">
            {formatTime(start, zone)} – {formatTime(end, zone)}
          </span>
        </p>
        {date.called_off ? <Badge tone="bad">Called off</Badge> : <Seats date={date} />}
      </div>
      <Actions date={date} service={service} />
    </li>
  );
}

function Seats({ date: { taken, capacity } }: { date: OwnDate }) {
  const full = taken >= capacity;
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-base text-soft">
      <progress
        value={taken}
        max={capacity}
        aria-label="Seats taken"
        className={`h-2 w-24 appearance-none overflow-hidden rounded-full [&::-moz-progress-bar]:bg-tide [&::-webkit-progress-bar]:bg-sand [&::-webkit-progress-value]:bg-tide ${full ? "[&::-moz-progress-bar]:bg-moss [&::-webkit-progress-value]:bg-moss" : ""}`}
      />
      <span className="tabular">
        {capacity === 0
          ? "No seats on sale"
          : full
            ? `All ${capacity} seats taken`
            : `${taken} of ${capacity} seats taken`}
      </span>
    </p>
  );
}

function Actions({ date, service }: Props) {
  const [dialog, setDialog] = useState<"change" | "delete">();
  const close = () => setDialog(undefined);
  const what = formatTimeSpan(date.start_datetime, null, service.time_zone);
  const begun = Date.parse(date.start_datetime) <= Date.now();
  const over = Date.parse(date.end_datetime) <= Date.now();
  const about = <span className="sr-only">, {what}</span>;
  if (date.called_off && !date.can_delete) return null;
  if (over && !date.can_delete) return null;
  return (
    <div className="col-span-2 flex flex-wrap gap-2 sm:col-span-1 sm:justify-end">
      {date.called_off || over ? null : (
        <Button look="quiet" className="grow sm:grow-0" onClick={() => setDialog("change")}>
          Change{about}
        </Button>
      )}
      {date.can_delete ? (
        <Button look="quiet" className="grow sm:grow-0" onClick={() => setDialog("delete")}>
          Delete{about}
        </Button>
      ) : begun ? null : (
        <ButtonLink
          look="quiet"
          className="grow sm:grow-0"
          href={`/roster/change/?session=${date.id}`}
          prefetch={false}
        >
          Call off or move{about}
        </ButtonLink>
      )}
      {dialog === "change" ? <ChangeDateDialog date={date} service={service} onClose={close} /> : null}
      {dialog === "delete" ? <DeleteDialog date={date} what={what} onClose={close} /> : null}
    </div>
  );
}

function DeleteDialog({ date, what, onClose }: { date: OwnDate; what: string; onClose: () => void }) {
  const remove = useDeleteDate(date.id, () => {
    onClose();
    announce("The date is deleted.");
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title="Delete this date?"
      confirm="Delete it"
      keep="Keep it"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      {what}. Nobody has booked it, and its time is free again.
    </ConfirmDialog>
  );
}
