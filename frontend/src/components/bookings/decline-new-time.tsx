"use client";
import { type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, type BookingsDeclineForeseeResponse, bookingsDeclineCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatMoney, isZero } from "@/lib/money";
import { declinePreviewQuery, OWN_DATA } from "@/lib/queries";
import { useFresh } from "@/lib/steady";
import { formatTimestamp } from "@/lib/time";
import { useShowOutcome } from "./outcome";

/** Tells a guest that the date was moved, and gives everything back to one who can't come to the new time. */
export function DeclineNewTime({ booking }: { booking: Booking }) {
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const showOutcome = useShowOutcome();
  const preview = useFresh(useQuery({ ...declinePreviewQuery(booking.id), enabled: open }), booking.id);
  const decline = useMutation({
    mutationFn: () => unwrap(bookingsDeclineCreate({ path: { id: Number(booking.id) } })),
    onSuccess: ({ refund }) => {
      setOpen(false);
      const { id: bookingId, order_id: orderId, service_name: title } = booking;
      showOutcome({ kind: "declined", bookingId, orderId, title, refund });
      announce(
        refund ? "Your place is given back, and your money is on its way." : "Your place is given back.",
      );
    },
    // The dialog that closes has nothing left to ask.
    onSettled: (_, error) =>
      client.invalidateQueries({
        queryKey: [OWN_DATA],
        predicate: ({ queryKey }) => error !== null || queryKey[1] !== "decline",
      }),
  });
  const moved = booking.sessions.filter((seat) => seat.moved_from_datetime !== null);
  const { decline_until: until, start_datetime: start } = booking;
  if (!until || moved.length === 0) return null;
  const hasBegun = start !== null && Date.parse(start) <= serverNow();
  return (
    <div className="mt-3 rounded-2xl bg-honey-mist px-4 py-3 text-base">
      {moved.map((seat) => (
        <p key={seat.id}>
          {booking.practitioner.name} has moved this from{" "}
          {formatTimestamp(seat.moved_from_datetime ?? "", booking.venue?.time_zone)} to{" "}
          {formatTimestamp(seat.start_datetime, booking.venue?.time_zone)}.
        </p>
      ))}
      <p>
        If it doesn’t suit you, all of your money comes back: ask for it until{" "}
        {formatTimestamp(until, booking.venue?.time_zone)}.
      </p>
      <Button look="plain" className="mt-1 text-base" onClick={() => setOpen(true)}>
        I {hasBegun ? "couldn’t" : "can’t"} come: give me my money back
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title="Give your place back?"
        confirm="Give it back"
        keep="Keep my place"
        busy={decline.isPending}
        error={decline.error}
        ready={preview.isSuccess && !preview.isFetching}
        onConfirm={() => decline.mutate()}
      >
        <Returned preview={preview} />
      </ConfirmDialog>
    </div>
  );
}

function Returned({ preview }: { preview: UseQueryResult<BookingsDeclineForeseeResponse> }) {
  if (preview.isPending) return <Loading rows={1} />;
  if (preview.isError) return <LoadError query={preview} />;
  const { returned, currency } = preview.data;
  return isZero(returned) ? (
    <p>No money comes back for it: nothing was paid for it, or that has gone back before.</p>
  ) : (
    <p>{formatMoney(returned, currency)} comes back to you, the way you paid.</p>
  );
}
