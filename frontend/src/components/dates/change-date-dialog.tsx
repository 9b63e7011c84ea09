"use client";
import { type FormEvent, useState } from "react";
import type { OwnDate, OwnService, PatchedDateEditRequest } from "@/api/generated";
import { Button, ButtonLink } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { newDateIn, useChangeDate } from "@/lib/own-dates";
import { dayKey, formatTimeSpan, timeKey } from "@/lib/time";
import { LinkField, SeatsField, spanOf, TimeFields, type Typed } from "./date-fields";

type Props = { date: OwnDate; service: OwnService; onClose: () => void };

/** Changes the seats and the link of a date, and its time while nobody has a seat. */
export function ChangeDateDialog({ date: shown, service, onClose }: Props) {
  const zone = service.time_zone;
  // What was looked at when it was opened: a list that is fetched again must not change the version under the fields.
  const [date, setDate] = useState(shown);
  const [typed, setTyped] = useState(() => typedOf(date, zone));
  const change = useChangeDate(date.id, () => {
    onClose();
    announce("The date is saved.");
  });
  const fresh = newDateIn(change.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!change.isPending) change.mutate(editOf(date, typed, zone));
  };
  const lookAgain = () => {
    if (!fresh) return;
    setDate({ ...date, ...fresh });
    setTyped(typedOf({ ...date, ...fresh }, zone));
    change.reset();
  };
  const type = (more: Partial<Typed>) => setTyped({ ...typed, ...more });
  const begun = Date.parse(date.start_datetime) <= Date.now();
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title="Change this date"
      description={`${service.name}, ${formatTimeSpan(date.start_datetime, date.end_datetime, zone)}`}
    >
      <form onSubmit={submit} className="grid gap-4">
        {date.taken === 0 && !begun ? <TimeFields typed={typed} zone={zone} onType={type} /> : null}
        {date.taken > 0 && !begun ? <MoveInstead date={date} /> : null}
        {begun ? null : (
          <SeatsField typed={typed} onType={type} min={Math.max(date.taken, 1)} hint={seatsHint(date)} />
        )}
        {service.venue ? null : (
          <LinkField
            typed={typed}
            onType={type}
            hint={
              date.taken > 0 ? "Guests who have paid are written to when it changes." : "Only guests see it."
            }
          />
        )}
        {fresh ? (
          <Notice kind="bad" title="This date was changed elsewhere">
            <p>Nothing was saved. Look how it stands now, and change it again.</p>
            <Button look="quiet" size="small" className="mt-3 min-h-11" onClick={lookAgain}>
              Show how it stands
            </Button>
          </Notice>
        ) : (
          <ErrorNotice error={change.error} changes />
        )}
        <DialogActions>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" busy={change.isPending} disabled={fresh !== undefined}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function MoveInstead({ date }: { date: OwnDate }) {
  return (
    <div className="rounded-2xl bg-mist px-4 py-3 text-base text-tide-deep">
      <p>
        {date.taken === 1 ? "A guest has" : `${date.taken} guests have`} booked this time or{" "}
        {date.taken === 1 ? "is" : "are"} paying for it. To change it, move the date with them: they are told,
        and who can’t come is refunded.
      </p>
      <ButtonLink look="quiet" className="mt-3" href={`/roster/change/?session=${date.id}`} prefetch={false}>
        Call off or move
      </ButtonLink>
    </div>
  );
}

function seatsHint({ taken }: OwnDate): string | undefined {
  if (taken === 0) return undefined;
  return taken === 1 ? "1 is booked or held: no fewer." : `${taken} are booked or held: no fewer.`;
}

function typedOf(date: OwnDate, zone: string): Typed {
  const { start_datetime: start, end_datetime: end } = date;
  return {
    day: dayKey(start, zone),
    start: timeKey(start, zone),
    lasts: String(Math.round((Date.parse(end) - Date.parse(start)) / 60_000)),
    seats: String(date.capacity),
    link: date.join_url ?? "",
  };
}

/** Returns what differs from the date that was looked at. */
function editOf(date: OwnDate, typed: Typed, zone: string): PatchedDateEditRequest {
  const before = typedOf(date, zone);
  const span = spanOf(typed, zone);
  const isMoved = typed.day !== before.day || typed.start !== before.start || typed.lasts !== before.lasts;
  return {
    version: date.version,
    ...(isMoved && span ? { start_datetime: span.start, end_datetime: span.end } : {}),
    ...(typed.seats === before.seats ? {} : { capacity: Number(typed.seats) }),
    ...(typed.link === before.link ? {} : { join_url: typed.link }),
  };
}
