"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, bookingsScheduleCreate } from "@/api/generated";
import { answerOf, inPlainWords } from "@/api/problem";
import { SessionPicker } from "@/components/service/session-picker";
import { SlotPicker } from "@/components/service/slot-picker";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { MINE } from "@/lib/queries";
import { ownZone, zoneName } from "@/lib/time";

/** Chooses the time of one part of a package or bundle. */
export function ScheduleDialog({ booking, onClose }: { booking: Booking; onClose: () => void }) {
  const [start, setStart] = useState<string>();
  const [session, setSession] = useState<string>();
  const client = useQueryClient();
  const body =
    booking.service_type === "session" ? { start_datetime: start } : { service_session_id: Number(session) };
  const schedule = useMutation({
    mutationFn: () => answerOf(bookingsScheduleCreate({ path: { id: Number(booking.id) }, body })),
    onSuccess: onClose,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: [MINE] });
      void client.invalidateQueries({ queryKey: ["slots"] });
      void client.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={`When shall it be?`}
      description={
        <p>
          {booking.service_name} with {booking.practitioner.name}. Times are yours: {zoneName(ownZone())}.
        </p>
      }
    >
      {booking.service_id === null ? (
        <Notice kind="bad">
          <p>This service is no longer offered. Cancel the booking to get its price back.</p>
        </Notice>
      ) : booking.service_type === "session" ? (
        <SlotPicker serviceId={booking.service_id} chosen={start} onChoose={setStart} />
      ) : (
        <SessionPicker serviceId={booking.service_id} chosen={session} onChoose={setSession} />
      )}
      {schedule.error ? (
        <Notice kind="bad" className="mt-4">
          <p>{inPlainWords(schedule.error)}</p>
        </Notice>
      ) : null}
      <Button
        size="large"
        className="mt-5 w-full"
        disabled={!start && !session}
        busy={schedule.isPending}
        onClick={() => schedule.mutate()}
      >
        Confirm this time
      </Button>
    </Dialog>
  );
}
