"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, bookingsMoveCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { SessionPicker } from "@/components/service/session-picker";
import { SlotPicker } from "@/components/service/slot-picker";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { ErrorNotice } from "@/components/ui/notice";
import { TimeSpan } from "@/components/ui/time-span";
import { announce } from "@/lib/announce";
import { OWN_DATA } from "@/lib/queries";
import { formatTimeSpan, formatTimestamp, ownZone, zoneName } from "@/lib/time";
import { useShowOutcome } from "./outcome";

/** A chosen time: the body of the request, and when it begins and ends. */
type Target = {
  body: { start_datetime: string } | { service_session_id: number; shown_start_datetimes: string[] };
  start: string;
  end: string | null;
};

/** Moves a booking: the buyer picks a new time, and sees both times before confirming. */
export function MoveDialog({ booking, onClose }: { booking: Booking; onClose: () => void }) {
  const [target, setTarget] = useState<Target>();
  const showOutcome = useShowOutcome();
  const move = useMove(booking, (moved) => {
    onClose();
    showOutcome({
      kind: "moved",
      bookingId: booking.id,
      orderId: booking.order_id,
      title: booking.service_name,
      from: booking.start_datetime ?? "",
      to: moved.start_datetime ?? "",
      end: moved.end_datetime,
      zone: booking.venue?.time_zone,
    });
    const time = formatTimeSpan(moved.start_datetime ?? "", null, moved.venue?.time_zone);
    announce(`${moved.service_name} is moved to ${time}.`);
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`Move ${booking.service_name}`}
      description={<MoveRule booking={booking} />}
    >
      {/* A time that gets the focus is scrolled above what stays at the bottom edge. */}
      <div className="[&_input]:scroll-mb-56">
        <TimePicker booking={booking} target={target} onChoose={setTarget} />
      </div>
      {/* Stays at the bottom edge, in reach of the thumb, while the times scroll behind it. */}
      <div className="sticky bottom-0 -mx-5 mt-4 -mb-5 border-line border-t bg-card px-5 pt-3 pb-5 sm:-mx-7 sm:-mb-7 sm:px-7 sm:pb-7">
        <ErrorNotice error={move.error} changes className="mb-3" />
        <BothTimes booking={booking} target={target} />
        <Button
          size="large"
          className="mt-3 w-full"
          disabled={!target}
          busy={move.isPending}
          onClick={() => (target ? move.mutate(target) : undefined)}
        >
          {target ? "Move to the new time" : "Choose a new time"}
        </Button>
      </div>
    </Dialog>
  );
}

function useMove(booking: Booking, onSuccess: (moved: Booking) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ body }: Target) => unwrap(bookingsMoveCreate({ path: { id: Number(booking.id) }, body })),
    onSuccess,
    onSettled: () => {
      for (const changed of [OWN_DATA, "slots", "sessions"])
        void client.invalidateQueries({ queryKey: [changed] });
    },
  });
}

function MoveRule({ booking }: { booking: Booking }) {
  const left = booking.moves_left;
  const zone = booking.venue?.time_zone;
  return (
    <>
      <p>
        The price stays the same. Times are{" "}
        {zone ? `those of the place: ${zoneName(zone)}` : `yours: ${zoneName(ownZone())}`}.
      </p>
      <p className="mt-1">
        {left === 1 ? "You can move it once more" : `You can move it ${left} times`}
        {booking.move_until ? `, until ${formatTimestamp(booking.move_until)}` : ""}.
      </p>
    </>
  );
}

type TimePickerProps = { booking: Booking; target?: Target; onChoose: (target: Target) => void };

function TimePicker({ booking, target, onChoose }: TimePickerProps) {
  if (booking.service_type === "session") {
    return (
      <SlotPicker
        source={{ booking: booking.id }}
        zone={booking.venue?.time_zone}
        chosen={target?.start}
        onChoose={(start) => onChoose({ body: { start_datetime: start }, start, end: null })}
      />
    );
  }
  const chosen =
    target && "service_session_id" in target.body ? String(target.body.service_session_id) : undefined;
  return (
    <SessionPicker
      source={{ booking: booking.id }}
      chosen={chosen}
      zone={booking.venue?.time_zone}
      onChoose={(id, { start_datetime: start, end_datetime: end }) =>
        onChoose({
          body: { service_session_id: Number(id), shown_start_datetimes: [start] },
          start,
          end,
        })
      }
    />
  );
}

function BothTimes({ booking, target }: { booking: Booking; target?: Target }) {
  const { start_datetime: start, end_datetime: end } = booking;
  const zone = booking.venue?.time_zone;
  return (
    <div aria-live="polite">
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 text-base">
        <dt className="text-soft">Now</dt>
        <dd className={target ? "line-through decoration-soft" : ""}>
          <TimeSpan start={start ?? ""} end={end} zone={zone} />
        </dd>
        {target ? (
          <>
            <dt className="text-soft">New</dt>
            <dd className="font-semibold">
              <TimeSpan start={target.start} end={target.end} zone={zone} />
            </dd>
          </>
        ) : null}
      </dl>
      {target ? <p className="mt-1 text-base text-soft">{cancellationAfterMove(booking, target)}</p> : null}
    </div>
  );
}

/** Says until when cancelling is free after the move: moving never extends it, and an earlier time shortens it. */
function cancellationAfterMove(booking: Booking, target: Target): string {
  const until = deadlineAfterMove(booking, target);
  if (until === null) return "";
  return until.getTime() > serverNow()
    ? `Free to cancel until ${formatTimestamp(until.toISOString())}.`
    : "That is so soon that it can't be canceled for a refund or moved again.";
}

function deadlineAfterMove(booking: Booking, target: Target): Date | null {
  const { start_datetime: start, former_start_datetime: original } = booking;
  // While a date that was moved can be declined, cancelling it is free until it begins; a move ends that.
  const until = booking.decline_until ? booking.move_until : booking.free_cancel_until;
  if (!start || !until) return null;
  const counted = Math.min(Date.parse(start), Date.parse(original ?? start));
  const notice = counted - Date.parse(until);
  return new Date(Math.min(Date.parse(until), Date.parse(target.start) - notice));
}
