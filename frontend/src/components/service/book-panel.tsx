"use client";
import { useState } from "react";
import type { ServiceDetail } from "@/api/generated";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Notice } from "@/components/ui/notice";
import { TimeSpan } from "@/components/ui/time-span";
import { useCurrencies } from "@/lib/currency";
import { formatMoney } from "@/lib/money";
import { priceOf } from "@/lib/price";
import { useSessions } from "@/lib/queries";
import { ownZone, zoneName } from "@/lib/time";
import { useWarmCheckout } from "@/lib/warm-checkout";
import { CurrencyChoice } from "./currency-choice";
import { SessionPicker } from "./session-picker";
import { SlotPicker } from "./slot-picker";

export type Choice = { start?: string; session?: string; end?: string };

/** The panel where the buyer chooses a time and continues to the checkout; nothing is held yet. */
export function BookPanel({ service }: { service: ServiceDetail }) {
  const [picked, setChoice] = useState<Choice>({});
  const first = useFirstFreeDate(service);
  const choice = picked.start || picked.session ? picked : first;
  const price = priceOf(service, useCurrencies());
  const course = useSessions({ service: service.id }, service.type === "course");
  const seats = course.data?.pages.flatMap((page) => page.results.map((meeting) => meeting.seats_left)) ?? [];
  const full = service.type === "course" && seats.length > 0 && Math.min(...seats) === 0;
  const needsTime = service.type === "session" || service.type === "workshop";
  const ready = service.on_sale && !full && (!needsTime || choice.start || choice.session);
  const query = new URLSearchParams({
    service: service.id,
    ...(choice.session ? { session: choice.session } : choice.start ? { start: choice.start } : {}),
    ...(price ? { currency: price.currency } : {}),
  });
  useWarmCheckout(Boolean(ready));
  return (
    <aside id="book" aria-label="Book" className="scroll-mt-4 lg:sticky lg:top-6 lg:self-start">
      <Card>
        <p className="tabular font-display text-3xl">
          {price ? formatMoney(price.amount, price.currency) : ""}
        </p>
        {price ? <CurrencyChoice prices={service.prices} chosen={price.currency} /> : null}
        {needsTime && service.on_sale ? (
          <TimePicker service={service} choice={choice} onChoose={setChoice} />
        ) : null}
        {service.type === "course" ? <SeatsLeft seats={seats} full={full} /> : null}
        {service.on_sale ? null : <Notice className="mt-4" title="Not on sale at the moment" />}
        {ready ? (
          <ButtonLink size="large" className="mt-6 w-full" href={`/checkout/?${query}`}>
            Continue to payment
          </ButtonLink>
        ) : (
          <DisabledButton>
            {needsTime && service.on_sale ? "Choose a time first" : "Not available"}
          </DisabledButton>
        )}
        <p aria-live="polite" className="mt-3 text-center text-base text-soft">
          {choice.start ? (
            <TimeSpan start={choice.start} end={choice.end ?? null} zone={service.venue?.time_zone} />
          ) : null}
        </p>
      </Card>
    </aside>
  );
}

/** The next date of a workshop that has seats is chosen until the buyer chooses another. */
function useFirstFreeDate({ id, type }: ServiceDetail): Choice {
  const dates = useSessions({ service: id }, type === "workshop").data?.pages.flatMap((page) => page.results);
  const free = type === "workshop" ? dates?.find((date) => !date.sold_out) : undefined;
  return free ? { session: free.id, start: free.start_datetime, end: free.end_datetime } : {};
}

type TimePickerProps = { service: ServiceDetail; choice: Choice; onChoose: (choice: Choice) => void };

function TimePicker({ service, choice, onChoose }: TimePickerProps) {
  return (
    <>
      <CardTitle className="mt-4">Choose a time</CardTitle>
      <p className="text-base text-soft">
        {service.venue
          ? `Shown in the time of the place: ${zoneName(service.venue.time_zone)}`
          : `Shown in your time zone: ${zoneName(ownZone())}`}
      </p>
      <div className="mt-4">
        {service.type === "session" ? (
          <SlotPicker
            source={{ service: service.id }}
            zone={service.venue?.time_zone}
            chosen={choice.start}
            onChoose={(start) => onChoose({ start })}
          />
        ) : (
          <SessionPicker
            source={{ service: service.id }}
            zone={service.venue?.time_zone}
            chosen={choice.session}
            onChoose={(session, date) =>
              onChoose({ session, start: date.start_datetime, end: date.end_datetime })
            }
          />
        )}
      </div>
    </>
  );
}

/** A course is bought as a whole, so its fullest meeting sets the seats left. */
function SeatsLeft({ seats, full }: { seats: number[]; full: boolean }) {
  if (full) return <Notice className="mt-4" title="This course is full" />;
  if (seats.length === 0) return null;
  const left = Math.min(...seats);
  return (
    <p className="mt-2 text-soft">
      {seats.length} meetings, {left} {left === 1 ? "seat" : "seats"} left
    </p>
  );
}

function DisabledButton({ children }: { children: string }) {
  return (
    <span
      aria-hidden="true"
      className="mt-6 flex min-h-13 items-center justify-center rounded-full bg-sand font-semibold text-soft"
    >
      {children}
    </span>
  );
}
