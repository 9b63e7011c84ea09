"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, bookingsScheduleCreate, type Session } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { SessionPicker } from "@/components/service/session-picker";
import { SlotPicker } from "@/components/service/slot-picker";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { OWN_DATA } from "@/lib/queries";
import { ownZone, zoneName } from "@/lib/time";

/** Schedules one part of a package or bundle. */
export function ScheduleDialog({ booking, onClose }: { booking: Booking; onClose: () => void }) {
  const [chosen, setChosen] = useState<Chosen>();
  const schedule = useSchedule(booking, () => {
    onClose();
    announce(`${booking.service_name} has its time.`);
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title="When shall it be?"
      description={
        <p>
          {booking.service_name} with {booking.practitioner.name}.{" "}
          {booking.venue
            ? `Times are those of the place: ${zoneName(booking.venue.time_zone)}.`
            : `Times are yours: ${zoneName(ownZone())}.`}
        </p>
      }
    >
      <Times booking={booking} chosen={chosen} onChoose={setChosen} />
      <ErrorNotice error={schedule.error} changes className="mt-4" />
      <DialogActions>
        <Button
          size="large"
          className="w-full"
          disabled={!chosen}
          busy={schedule.isPending}
          onClick={() => (chosen ? schedule.mutate(chosen) : undefined)}
        >
          Confirm this time
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function useSchedule(booking: Booking, onSuccess: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, date }: Chosen) => {
      const body = date
        ? { service_session_id: Number(id), shown_start_datetimes: [date.start_datetime] }
        : { start_datetime: id };
      return unwrap(bookingsScheduleCreate({ path: { id: Number(booking.id) }, body }));
    },
    onSuccess,
    onSettled: () => {
      for (const changed of [OWN_DATA, "slots", "sessions"])
        void client.invalidateQueries({ queryKey: [changed] });
    },
  });
}

/** A slot, whose id is its start, or a date of a workshop. */
type Chosen = { id: string; date?: Session };
type TimesProps = { booking: Booking; chosen?: Chosen; onChoose: (chosen: Chosen) => void };

function Times({ booking, chosen, onChoose }: TimesProps) {
  if (booking.service_id === null) {
    return (
      <Notice kind="bad">
        <p>This service is no longer offered. Cancel the booking to get its price back.</p>
      </Notice>
    );
  }
  const shared = {
    zone: booking.venue?.time_zone,
    chosen: chosen?.id,
    onChoose: (id: string, date?: Session) => onChoose({ id, date }),
  };
  return booking.service_type === "session" ? (
    <SlotPicker source={{ booking: booking.id }} {...shared} />
  ) : (
    <SessionPicker source={{ booking: booking.id }} {...shared} />
  );
}
