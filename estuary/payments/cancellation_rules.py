"""The rules of what a cancellation returns: pure functions of the bookings of one order, with no database and no clock.

*In time* is what the service said when it was sold (``free_cancel_hours``). What was used is valued first:

- A part of a package, or a paid session of a bundle, that is canceled in time is *given back*: its share is returned.
- A bonus session of a bundle has no share of its own. One that has a time or took place counts as a paid one, until it
  is itself canceled in time: for each, the share of one session that was given back is held back.
- A bonus is for whoever keeps what was paid for: those without a time go with the first share that is returned.

So of a bundle of N paid ones comes back ``total * (N - kept) / N``, paid and bonus ones that are kept counted alike,
and never less than nothing. Whose share is held back depends only on what was given back, so every order of steps ends
at the same cent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from estuary.bookings.models import Booking


@dataclass(frozen=True, slots=True)
class Yield:
    """What a cancellation comes to: whose shares are returned now, what is kept or held back, and what goes along."""

    returned: tuple[Booking, ...]
    kept: tuple[Booking, ...]
    along: tuple[Booking, ...]


def is_free(booking: Booking, notice: timedelta, at: datetime) -> bool:
    """Whether cancelling at this moment is in time; what has no time yet always is."""
    return booking.starts_at is None or booking.starts_at - notice >= at


def yield_of(
    parts: Sequence[Booking], going: Iterable[Booking], *, bundle: bool, notice: timedelta, at: datetime
) -> Yield:
    """Return what comes of cancelling ``going``, which are all still to come, among all the ``parts`` of an order."""
    before = {part.pk for part in parts if _was_given_back(part, notice)}
    after = before | {part.pk for part in going if is_free(part, notice, at)}
    already = _returned(parts, before, bundle)
    in_all = _returned(parts, after, bundle)
    returned = tuple(part for part in in_all if part not in already)
    return Yield(
        returned=returned,
        kept=tuple(part for part in parts if part not in in_all),
        along=tuple(part for part in parts if returned and _is_bonus(part, bundle) and _is_open(part, at)),
    )


def _was_given_back(part: Booking, notice: timedelta) -> bool:
    return (
        part.status == Booking.Status.CANCELED
        and part.canceled_at is not None
        and is_free(part, notice, part.canceled_at)
    )


def _returned(parts: Sequence[Booking], given_back: set[int], bundle: bool) -> list[Booking]:
    """Return the parts whose shares are returned in all: those given back, less one for each bonus that is kept."""
    bonus = [part for part in parts if _is_bonus(part, bundle)]
    kept_bonus = sum(part.starts_at is not None and part.pk not in given_back for part in bonus)
    paid = [part for part in parts if part not in bonus and part.pk in given_back]
    by_position = sorted(paid, key=lambda part: part.position)
    return by_position[: max(len(paid) - kept_bonus, 0)]


def _is_bonus(part: Booking, bundle: bool) -> bool:
    return bundle and part.amount_minor == 0


def _is_open(part: Booking, at: datetime) -> bool:
    return part.starts_at is None and part.is_to_come(at)
