"""The rules of what a cancellation returns: pure functions of the bookings of one order, with no database and no clock.

*In time* is what the service said when it was sold (``free_cancel_hours``). What was used is valued first:

- A part of a package, or a paid session of a bundle, that is canceled in time is *given back*: its share is returned.
  What staff canceled without a refund is *forfeited*, whenever that was: its price is kept, so it is not given back.
- A bonus session of a bundle has no share of its own. One that has a time or took place counts as a paid one, until it
  is itself canceled in time: for each, the share of one session that was given back is held back.
- A bonus is for whoever keeps what was paid for: those without a time go with the first share that is returned.

So of a bundle of N paid ones comes back ``total * (N - kept) / N``, paid and bonus ones that are kept counted alike,
and never less than nothing. What was refunded by name of any part that was given back, by staff or for the buyer, is
part of that sum: it is never paid a second time out of another's share. So those shares are returned first, and what
is held back is held back of the others, which leaves the same sum, to the cent, for every order of steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from estuary.bookings.models import Booking


@dataclass(frozen=True, slots=True)
class RefundBreakdown:
    """What a cancellation comes to: whose shares are returned now, what is kept or held back, and what goes along.

    ``max_minor`` is what may be returned now at most, in minor units: all the shares that are returned by now, less
    what was refunded by name of whatever was given back.
    """

    returned: tuple[Booking, ...]
    kept: tuple[Booking, ...]
    also_canceled: tuple[Booking, ...]
    max_minor: int


def is_in_time(booking: Booking, notice: timedelta, at: datetime) -> bool:
    """Whether cancelling at this moment is in time; what has no time yet always is."""
    return booking.starts_at is None or booking.starts_at - at >= notice


def compute_refund(
    parts: Sequence[Booking],
    canceling: Iterable[Booking],
    *,
    refunded: Mapping[int, int],
    bundle: bool,
    notice: timedelta,
    at: datetime,
) -> RefundBreakdown:
    """Return what comes of cancelling ``canceling``, which are all still to come, among all the ``parts`` of an order.

    ``refunded`` says what was refunded of each part by name before, in minor units, by primary key.
    """
    before = {part.pk for part in parts if _is_canceled_in_time(part, notice)}
    after = before | {part.pk for part in canceling if is_in_time(part, notice, at)}
    ranked = sorted(parts, key=lambda part: (-refunded.get(part.pk, 0), part.position))
    returned_before = _returned_parts(ranked, before, bundle)
    returned_after = _returned_parts(ranked, after, bundle)
    returned = tuple(part for part in returned_after if part not in returned_before)
    return RefundBreakdown(
        returned=returned,
        kept=tuple(part for part in parts if part not in returned_after),
        also_canceled=tuple(
            part for part in parts if returned and _is_bonus(part, bundle) and _is_unscheduled(part, at)
        ),
        max_minor=sum(part.amount_minor for part in returned_after)
        - sum(refunded.get(pk, 0) for pk in after),
    )


def _is_canceled_in_time(part: Booking, notice: timedelta) -> bool:
    return (
        part.status == Booking.Status.CANCELED
        and not part.forfeited
        and part.canceled_at is not None
        and is_in_time(part, notice, part.canceled_at)
    )


def _returned_parts(ranked: Sequence[Booking], canceled_in_time: set[int], bundle: bool) -> list[Booking]:
    """Return the parts whose shares are returned in all: those given back, less one for each bonus that is kept.

    The last in rank is held back first. A bonus that never had a time was of no use to anyone, whoever canceled it.
    """
    bonus = [part for part in ranked if _is_bonus(part, bundle)]
    kept_bonus = sum(part.starts_at is not None and part.pk not in canceled_in_time for part in bonus)
    paid = [part for part in ranked if part not in bonus and part.pk in canceled_in_time]
    return paid[: max(len(paid) - kept_bonus, 0)]


def _is_bonus(part: Booking, bundle: bool) -> bool:
    return bundle and part.amount_minor == 0


def _is_unscheduled(part: Booking, at: datetime) -> bool:
    return part.starts_at is None and part.is_to_come(at)
