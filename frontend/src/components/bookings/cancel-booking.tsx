"use client";
import { type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Booking, type BookingsCancelForeseeResponse, bookingsCancelCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatMoney, isZero } from "@/lib/money";
import { cancellationPreviewQuery, OWN_DATA } from "@/lib/queries";
import { useFresh } from "@/lib/steady";
import { formatTimestamp } from "@/lib/time";
import { useShowOutcome } from "./outcome";

/** Cancels a booking; the dialog first shows what is refunded. */
export function CancelBooking({ booking, label }: { booking: Booking; label: string }) {
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const showOutcome = useShowOutcome();
  const preview = useFresh(useQuery({ ...cancellationPreviewQuery(booking.id), enabled: open }), booking.id);
  const cancel = useMutation({
    mutationFn: (returned: string) =>
      unwrap(bookingsCancelCreate({ path: { id: Number(booking.id) }, body: { returned } })),
    onSuccess: ({ refund }) => {
      setOpen(false);
      const { id: bookingId, order_id: orderId, service_name: title } = booking;
      showOutcome({ kind: "canceled", bookingId, orderId, title, refund });
      announce(`${booking.service_name} is canceled.`);
    },
    // The dialog that closes has nothing left to ask.
    onSettled: (_, error) =>
      client.invalidateQueries({
        queryKey: [OWN_DATA],
        predicate: ({ queryKey }) => error !== null || queryKey[1] !== "consequence",
      }),
  });
  return (
    <>
      <Button look="plain" className="text-base" onClick={() => setOpen(true)}>
        {label}
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Cancel ${booking.service_name}?`}
        confirm="Cancel the booking"
        keep="Keep it"
        busy={cancel.isPending}
        error={cancel.error}
        ready={preview.isSuccess && !preview.isFetching}
        onConfirm={() => (preview.isSuccess ? cancel.mutate(preview.data.returned) : undefined)}
      >
        <CancellationPreview booking={booking} preview={preview} />
      </ConfirmDialog>
    </>
  );
}

type PreviewProps = { booking: Booking; preview: UseQueryResult<BookingsCancelForeseeResponse> };

/** Shows the refund that the server computes: it deducts used parts and earlier refunds. */
function CancellationPreview({ booking, preview }: PreviewProps) {
  if (preview.isPending) return <Loading rows={1} />;
  if (preview.isError) return <LoadError query={preview} />;
  const { returned, currency, along } = preview.data;
  return (
    <>
      <p>{returnedText(booking, returned, currency)}</p>
      {along > 0 ? <p className="mt-2">{alsoCanceledText(along)}</p> : null}
    </>
  );
}

function returnedText(booking: Booking, returned: string, currency: string): string {
  const price = formatMoney(booking.amount, currency);
  const until = booking.free_cancel_until;
  const late = until !== null && Date.parse(until) <= serverNow();
  const inTime =
    until === null
      ? "It has no time yet."
      : `You are in time: cancelling is free until ${formatTimestamp(until)}.`;
  if (late && isZero(returned)) {
    return `Free cancelling ended ${formatTimestamp(until)}. Cancelling now frees your place for others, but nothing comes back.`;
  }
  if (isZero(booking.amount)) return "It is a bonus: nothing was paid for it, and nothing comes back.";
  if (isZero(returned) && booking.disputed)
    return "Its payment is disputed at your bank, so nothing comes back from us if you cancel it now.";
  if (isZero(returned))
    return "Nothing comes back for it: its price was refunded before, or is used up by what you keep.";
  if (booking.disputed)
    return `${inTime} Its payment is disputed at your bank, which decides first. If your bank leaves the money with us, ${formatMoney(returned, currency)} comes back to you, the way you paid.`;
  if (returned === booking.amount) return `${inTime} ${price} comes back to you, the way you paid.`;
  return `${inTime} ${formatMoney(returned, currency)} comes back to you, the way you paid: its price of ${price}, less what was refunded before or is used up by what you keep.`;
}

const alsoCanceledText = (along: number) =>
  along === 1
    ? "A bonus that has no time yet ends with it."
    : `${along} bonuses that have no time yet end with it.`;
