"use client";
import { useState } from "react";
import type { Booking } from "@/api/generated";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { isZero } from "@/lib/money";
import { useAllBookings, useBookings, type When } from "@/lib/queries";
import { BookingCard } from "./booking-card";
import { type Outcome, OutcomeContext, OutcomeNotice } from "./outcome";
import { UnpaidOrders } from "./unpaid-orders";

export function BookingsPage() {
  return (
    <>
      <PageTitle lead="What you have booked, and what you can still change.">Bookings</PageTitle>
      <RequireSignIn why="Your bookings are kept in your account.">
        <Sections />
      </RequireSignIn>
    </>
  );
}

function Sections() {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const everything = useAllBookings();
  return (
    <OutcomeContext value={setOutcome}>
      <div className="grid gap-12">
        {outcome ? <OutcomeNotice key={outcomeKey(outcome)} outcome={outcome} /> : null}
        <UnpaidOrders />
        {everything.isError ? (
          // One error for all of them, as when the network is gone.
          <LoadError query={everything} />
        ) : (
          <>
            <BookingsSection when="unscheduled" title="To be scheduled" />
            <BookingsSection when="upcoming" title="Upcoming" />
            <BookingsSection when="past" title="Past" />
            <BookingsSection when="canceled" title="Canceled" />
          </>
        )}
      </div>
    </OutcomeContext>
  );
}

/** Each outcome scrolls its notice into view, also the second of one booking. */
const outcomeKey = (outcome: Outcome) =>
  `${outcome.kind} ${outcome.bookingId} ${outcome.kind === "moved" ? outcome.to : ""}`;

/** Hides an empty list, except that of upcoming bookings: there a new buyer is led to the catalogue. */
function BookingsSection({ when, title }: { when: When; title: string }) {
  const bookings = useBookings(when);
  const loaded = (bookings.data?.pages.flatMap((page) => page.results) ?? []).filter(
    // What was canceled has a section of its own.
    ({ status }) => when !== "past" || status !== "canceled",
  );
  if (when !== "upcoming" && !bookings.isError && loaded.length === 0) return null;
  return (
    <section aria-labelledby={`when-${when}`}>
      <h2 id={`when-${when}`} className="mb-4 font-display text-2xl">
        {title}
      </h2>
      {bookings.isPending ? <Loading rows={2} /> : null}
      {bookings.isError ? <LoadError query={bookings} /> : null}
      {bookings.isSuccess && loaded.length === 0 ? (
        <EmptyState
          title="Nothing is planned yet"
          action={<ButtonLink href="/">Find something good</ButtonLink>}
        >
          <p>What you book will be here, with its time and place.</p>
        </EmptyState>
      ) : null}
      <ul className="grid gap-4 md:grid-cols-2">
        {stackSameParts(loaded, when).map(([booking, count]) => (
          <li key={booking.id} className="flex">
            <BookingCard booking={booking} when={when} count={count} />
          </li>
        ))}
      </ul>
      <LoadMore pages={bookings} />
    </section>
  );
}

/** Groups the unscheduled parts of one bundle into one card; paid parts come before bonus parts. */
function stackSameParts(bookings: Booking[], when: When): [Booking, number][] {
  if (when !== "unscheduled") return bookings.map((booking) => [booking, 1]);
  const stacks = Map.groupBy(bookings, ({ order_id, service_id, id }) => `${order_id} ${service_id ?? id}`);
  return [...stacks.values()].flatMap((stack) => {
    const first = stack.find((booking) => !isZero(booking.amount)) ?? stack[0];
    return first ? [[first, stack.length] as [Booking, number]] : [];
  });
}
