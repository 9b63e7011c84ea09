"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, bookingsCancelCreate } from "@/api/generated";
import { answerOf } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { formatMoney } from "@/lib/money";
import { MINE } from "@/lib/queries";
import { stamp } from "@/lib/time";

/** Cancels a booking; the dialog says first whether its price comes back. */
export function CancelBooking({ booking, label }: { booking: Booking; label: string }) {
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => answerOf(bookingsCancelCreate({ path: { id: Number(booking.id) } })),
    onSuccess: () => setOpen(false),
    onSettled: () => client.invalidateQueries({ queryKey: [MINE] }),
  });
  return (
    <>
      <Button look="plain" className="text-base" onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title={`Cancel ${booking.service_name}?`}
        confirm="Cancel the booking"
        keep="Keep it"
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate()}
      >
        <Consequence booking={booking} />
      </Confirm>
    </>
  );
}

function Consequence({ booking }: { booking: Booking }) {
  const price = formatMoney(booking.amount, booking.currency);
  const until = booking.free_cancel_until;
  if (!until) return <p>It has no time yet, so its full price of {price} comes back to you.</p>;
  if (new Date(until) > new Date()) {
    return (
      <p>
        You are in time: until {stamp(until)} cancelling is free, and its price of {price} comes back to you.
      </p>
    );
  }
  return (
    <p>
      Free cancelling ended {stamp(until)}. You can still give your place to somebody else, but its price of{" "}
      {price} does not come back.
    </p>
  );
}
