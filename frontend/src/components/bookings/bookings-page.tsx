"use client";
import type { Booking } from "@/api/generated";
import { SignedIn } from "@/components/auth/signed-in";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { More } from "@/components/ui/more";
import { Failed } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { Loading } from "@/components/ui/skeleton";
import { isZero } from "@/lib/money";
import { useBookings, type When } from "@/lib/queries";
import { ownZone, zoneName } from "@/lib/time";
import { BookingCard } from "./booking-card";

export function BookingsPage() {
  return (
    <>
      <PageTitle lead={`Times are yours: ${zoneName(ownZone())}`}>Bookings</PageTitle>
      <SignedIn why="Your bookings are kept in your account.">
        <div className="grid gap-12">
          <Section when="unscheduled" title="To be scheduled" />
          <Section when="upcoming" title="Upcoming" />
          <Section when="past" title="Past" />
        </div>
      </SignedIn>
    </>
  );
}

/** What is empty is left out, except the upcoming ones: there a newcomer is shown the way. */
function Section({ when, title }: { when: When; title: string }) {
  const bookings = useBookings(when);
  const shown = bookings.data?.pages.flatMap((page) => page.results) ?? [];
  if (when !== "upcoming" && !bookings.isError && shown.length === 0) return null;
  return (
    <section aria-labelledby={`when-${when}`}>
      <h2 id={`when-${when}`} className="mb-4 font-display text-2xl">
        {title}
      </h2>
      {bookings.isPending ? <Loading rows={2} /> : null}
      {bookings.isError ? <Failed error={bookings.error} retry={bookings.refetch} /> : null}
      {bookings.isSuccess && shown.length === 0 ? (
        <Empty title="Nothing is planned yet" action={<ButtonLink href="/">Find something good</ButtonLink>}>
          <p>What you book will be here, with its time and place.</p>
        </Empty>
      ) : null}
      <ul className="grid gap-4 md:grid-cols-2">
        {stacked(shown, when).map(([booking, alike]) => (
          <li key={booking.id} className="flex">
            <BookingCard booking={booking} when={when} alike={alike} />
          </li>
        ))}
      </ul>
      <More pages={bookings} />
    </section>
  );
}

/** The open parts of one bundle are the same to the buyer: one card stands for all, those that were paid for first. */
function stacked(bookings: Booking[], when: When): [Booking, number][] {
  if (when !== "unscheduled") return bookings.map((booking) => [booking, 1]);
  const stacks = Map.groupBy(bookings, ({ order_id, service_id, id }) => `${order_id} ${service_id ?? id}`);
  return [...stacks.values()].flatMap((stack) => {
    const first = stack.find((booking) => !isZero(booking.amount)) ?? stack[0];
    return first ? [[first, stack.length] as [Booking, number]] : [];
  });
}
