"""When a booking may be moved: what was sold with it, until when, and how often. Staff may go beyond the last two.

1. A 1-on-1 session and a date of a workshop can be moved, alone or inside a package or bundle; a course can't.
2. A booking can be moved as long as its cancellation is free: the order's snapshot has ``free_cancel_hours``.
3. The notice counts from the earliest start that the booking has or had, so moving never extends it.
4. A booking can be moved as often as its order's snapshot says: ``max_moves``.

Example: a massage on Friday at 10:00 with a notice of 24 hours is moved on Monday to the Friday after. It can be moved
again, or canceled for a refund, until Thursday of this week at 10:00, as before.
"""

from datetime import datetime

from estuary.bookings.models import ACTIVE, Booking
from estuary.bookings.scheduling import BookingCanceled, BookingExpired
from estuary.catalog.bounds import MOVES_DEFAULT, MOVES_MAX, subtract_notice
from estuary.catalog.cancellation_terms import sold_notice
from estuary.catalog.models import ServiceType
from estuary.common.english_times import describe_utc
from estuary.common.errors import Conflict

MOVABLE = frozenset({ServiceType.SESSION, ServiceType.WORKSHOP})


class BookingNotMovable(Conflict):
    code, title = "booking_not_movable", "This booking can't be moved"


class MoveTooLate(Conflict):
    code, title = "move_too_late", "It is too late to move this"


class NoMovesLeft(Conflict):
    code, title = "no_moves_left", "This was moved as often as it may be"


def free_cancel_until(booking: Booking) -> datetime | None:
    """Return until when canceling returns the money; None for a booking without a time."""
    if booking.counted_start is None:
        return None
    return subtract_notice(booking.counted_start, sold_notice(booking.order.snapshot))


def max_moves(booking: Booking) -> int:
    """Return how often the booking may be moved, as it was sold; an older order has the default."""
    moves: int = booking.order.snapshot.get("max_moves", MOVES_DEFAULT)
    return min(max(moves, 0), MOVES_MAX)


def moves_left(booking: Booking) -> int:
    """Return how often the booking may still be moved; 0 for what has no time of its own to move."""
    if booking.service_type not in MOVABLE or booking.status not in ACTIVE:
        return 0
    return max(max_moves(booking) - booking.times_moved, 0)


def move_until(booking: Booking) -> datetime | None:
    """Return until when the booking can be moved at the latest; None for one that has no time to move."""
    deadline = free_cancel_until(booking)
    if booking.service_type not in MOVABLE or deadline is None:
        return None
    return min(deadline, booking.valid_until) if booking.valid_until else deadline


def can_move(booking: Booking, at: datetime) -> bool:
    """Return whether the buyer may move the booking at this moment."""
    try:
        check_movable(booking, at)
    except Conflict:
        return False
    return True


def check_movable(booking: Booking, at: datetime, *, beyond_limits: bool = False) -> None:
    """Raise BookingNotMovable, BookingCanceled, BookingExpired, NoMovesLeft or MoveTooLate.

    With ``beyond_limits``, as for staff, neither the deadline nor the number of moves counts.
    """
    _check_active(booking, at)
    name, order = booking.service_name, booking.order
    if order.disputed:
        raise BookingNotMovable(
            f"The payment of {name} is disputed, so it keeps its time. Write to us if you want another one."
        )
    if booking.service_id is None or booking.line_id is None:
        raise BookingNotMovable(
            f"{name} is no longer offered, so there is no other time. Please write to us."
        )
    if booking.valid_until and booking.valid_until <= at:
        raise BookingExpired(
            f"New times of {name} could be chosen until {describe_utc(booking.valid_until)}. It keeps the time that "
            "it has."
        )
    if not beyond_limits:
        _check_limits(booking, at)


def _check_limits(booking: Booking, at: datetime) -> None:
    name, deadline = booking.service_name, free_cancel_until(booking)
    if deadline and deadline < at:
        otherwise = _decline_instead(booking, at) or (
            " It keeps its time; if you can't come, cancel it so that somebody else can, but the money is not returned."
        )
        raise MoveTooLate(f"{name} could be moved until {describe_utc(deadline)}.{otherwise}")
    if not moves_left(booking):
        raise NoMovesLeft(_no_moves_left(booking, deadline, at))


def _decline_instead(booking: Booking, at: datetime) -> str:
    """Return what a guest can do whose date the practitioner has moved; empty when there is nothing to decline."""
    seats = booking.participants.all()
    if not any(seat.active and seat.can_decline(at) for seat in seats):
        return ""
    return (
        " Its practitioner has moved it: if you can't come, decline the new time, and all of it comes back."
    )


def _check_active(booking: Booking, at: datetime) -> None:
    name = booking.service_name
    if booking.status == Booking.Status.CANCELED:
        raise BookingCanceled(f"This booking of {name} is canceled; it can't be moved. Book it anew.")
    if booking.service_type == ServiceType.COURSE:
        raise BookingNotMovable(
            f"{name} is a course, whose dates belong together. None of them can be moved."
        )
    if booking.service_type not in MOVABLE:
        raise BookingNotMovable(f"{name} is moved part by part: move the bookings inside it.")
    if booking.status not in ACTIVE:
        raise BookingNotMovable(f"This booking of {name} is {booking.status} already.")
    if booking.starts_at is None:
        raise BookingNotMovable(f"{name} has no time yet: schedule it instead.")
    if booking.starts_at <= at:
        instead = _decline_instead(booking, at)
        raise BookingNotMovable(f"{name} has already begun, so it can't be moved.{instead}")


def _no_moves_left(booking: Booking, deadline: datetime | None, at: datetime) -> str:
    allowed = max_moves(booking)
    if not allowed:
        return f"{booking.service_name} is sold for one time and can't be moved. You can cancel it and book it anew."
    times = "once" if allowed == 1 else f"{allowed} times"
    done = f"{booking.service_name} can be moved {times}, and that is done."
    if instead := _decline_instead(booking, at):
        return f"{done}{instead}"
    until = f" until {describe_utc(deadline)} for a refund" if deadline else ""
    return f"{done} If you need yet another time, cancel it{until} and book it anew."
