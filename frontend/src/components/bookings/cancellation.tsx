"use client";
import Link from "next/link";
import { createContext, useContext } from "react";
import type { CanceledBooking } from "@/api/generated";
import { destinationText, durationText } from "@/components/orders/refund-text";
import { Notice } from "@/components/ui/notice";
import { formatMoney } from "@/lib/money";

/** A booking that was just canceled, and the refund that follows; null when nothing comes back. */
export type Cancellation = {
  bookingId: string;
  orderId: string;
  title: string;
  refund: CanceledBooking["refund"];
};

export const CancellationContext = createContext<(cancellation: Cancellation) => void>(() => undefined);

/** Returns a function that shows on the bookings page what comes of a cancellation. */
export const useShowCancellation = () => useContext(CancellationContext);

const scrollHere = (node: HTMLElement | null) => node?.scrollIntoView({ block: "center" });

/** Says what was canceled, how much comes back, where it goes and how long that takes. */
export function CancellationNotice({ cancellation }: { cancellation: Cancellation }) {
  const { title, refund, orderId } = cancellation;
  return (
    <div ref={scrollHere}>
      <Notice kind="good" title={`${title} is canceled`}>
        {refund ? (
          <p>
            {formatMoney(refund.amount, refund.currency)} comes back to you:{" "}
            {destinationText(refund, refund.currency)}. {durationText(refund)}
          </p>
        ) : (
          <p>Nothing comes back for it.</p>
        )}
        <Link
          href={`/orders/?id=${orderId}`}
          className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
        >
          See the order
        </Link>
      </Notice>
    </div>
  );
}
