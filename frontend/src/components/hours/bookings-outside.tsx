import type { BookingsOutside as Outside } from "@/api/generated";
import { ButtonLink } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { formatTimeSpan } from "@/lib/time";

/** Bookings to come that the hours do not hold: they stand, unless they are called off. */
export function BookingsOutside({ outside, zone }: { outside: Outside; zone: string }) {
  const { count, bookings } = outside;
  if (count === 0) return null;
  const title = count === 1 ? "1 booking is outside your hours" : `${count} bookings are outside your hours`;
  return (
    <Notice title={title}>
      <p>
        {count === 1 ? "It takes" : "They take"} place all the same. Call off what you can’t keep: the guest
        is refunded and written to.
      </p>
      <ul className="mt-2 grid gap-2">
        {bookings.map((one) => (
          <li key={one.booking_id}>
            <span className="font-semibold">{one.guest}</span>, {one.service_name}
            <br />
            {formatTimeSpan(one.start_datetime, one.end_datetime, zone)}
            <br />
            <ButtonLink
              href={`/roster/change/?booking=${one.booking_id}`}
              look="plain"
              className="min-h-11 px-0"
            >
              Call off<span className="sr-only"> the booking of {one.guest}</span>
            </ButtonLink>
          </li>
        ))}
      </ul>
      {count > bookings.length ? <p>And {count - bookings.length} later ones.</p> : null}
    </Notice>
  );
}
