"""The cancellation policy: what a cancellation returns. Pure functions of one order's bookings: no database, no clock.

A cancellation is *in time* when it gives the notice that the service promised when it was sold (``free_cancel_hours``).
Of a booking that its buyer moved, the notice counts from its earliest start (``Booking.counted_start``).
A booking that its practitioner moved is in time as long as its guest may decline the new time.

1. Each part of a package and each paid session of a bundle has a share of the price.
   A part that is canceled in time returns its share.
2. Staff may cancel a part without a refund. It is *forfeited*: the seller keeps its share.
3. A bonus session of a bundle has no share. It is *kept* once it has a time, until it is itself canceled in time.
   For each bonus session that is kept, the seller holds back one share that rule 1 would return.
   When its practitioner calls it off, it has no time any more; the next cancellation returns that share too.
4. Bonus sessions without a time are canceled together with the first share that is returned.
5. What was refunded for a part by name counts against the sum of these shares.

A bundle of 5 paid sessions and 1 bonus session costs 100.00, so a share is 20.00.

- Two sessions took place, three are canceled in time, the bonus has no time. 60.00 is returned; the bonus is canceled.
- The same, but the bonus took place too. One share is held back: 40.00 is returned.
- One session is canceled while the bonus has a time: nothing is returned. The practitioner calls the bonus off. The
  second session is canceled: 40.00 is returned.
- Staff refund 20.00 for the first session, and the bonus takes place. All five are canceled in time:
  80.00 is due, 20.00 of it was refunded before, and 60.00 is returned.

In general ``total * (N - kept) / N`` is returned, never less than 0. Paid and bonus sessions that are kept count alike.

Parts that were refunded by name come first, so a share that is held back is never one of theirs.
The sum is therefore the same, to the cent, for every order of cancellations and refunds.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from estuary.bookings.models import Booking


@dataclass(frozen=True, slots=True)
class RefundBreakdown:
    """What a cancellation returns: the parts whose shares return now, those that are kept, and those canceled too.

    ``max_minor`` is the most that may be returned now, in minor units. It is the sum of every share that is returned so
    far, less the refunds by name of all parts that were canceled in time.
    """

    returned: tuple[Booking, ...]
    kept: tuple[Booking, ...]
    also_canceled: tuple[Booking, ...]
    max_minor: int


def is_in_time(booking: Booking, notice: timedelta, at: datetime) -> bool:
    """Whether a cancellation at this moment is in time; a booking without a time can always be canceled in time."""
    return booking.counted_start is None or booking.counted_start - at >= notice


def compute_refund(
    parts: Sequence[Booking],
    canceling: Iterable[Booking],
    *,
    refunded: Mapping[int, int],
    bundle: bool,
    notice: timedelta,
    at: datetime,
    moved: Set[int] = frozenset(),
) -> RefundBreakdown:
    """Return what canceling the bookings ``canceling`` returns; all of them are among ``parts`` and still to come.

    ``moved`` has the primary keys of parts whose new time can be declined. ``refunded`` maps a part's primary key to
    what was refunded for that part by name before, in minor units.
    """
    before = {part.pk for part in parts if _is_canceled_in_time(part, notice)}
    after = before | {part.pk for part in canceling if part.pk in moved or is_in_time(part, notice, at)}
    ranked = sorted(parts, key=lambda part: (-refunded.get(part.pk, 0), part.position))
    bonus = [part for part in parts if bundle and part.amount_minor == 0]
    paid = [part for part in ranked if part not in bonus]
    have_time = {part.pk for part in bonus if part.starts_at}
    # While it had a time, a share was held back for it; no cancellation has returned that since.
    had_time = have_time | {part.pk for part in bonus if part.unscheduled_at}
    returned_before = _returned_parts(paid, before, len(had_time - before))
    returned_after = _returned_parts(paid, after, len(have_time - after))
    returned = tuple(part for part in returned_after if part not in returned_before)
    return RefundBreakdown(
        returned=returned,
        kept=tuple(part for part in parts if part not in returned_after),
        also_canceled=tuple(
            part for part in bonus if returned and part.starts_at is None and part.is_to_come(at)
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


def _returned_parts(paid: Sequence[Booking], canceled_in_time: Set[int], kept_bonus: int) -> list[Booking]:
    """Return every part whose share is returned: those canceled in time, less one for each bonus session that is kept.

    The last in rank is held back first. A bonus session that never had a time is not kept, whoever canceled it:
    nobody had any use of it.
    """
    canceled = [part for part in paid if part.pk in canceled_in_time]
    return canceled[: max(len(canceled) - kept_bonus, 0)]
