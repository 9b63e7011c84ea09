"""Moving a booking to another time of the same service: the new time is taken and the old one returned, in one act."""

from datetime import datetime

from django.db import IntegrityError
from django.db.models import F

from estuary.accounts.models import User
from estuary.bookings.fulfilment import lock_sessions, refuse_own_times, take_seats
from estuary.bookings.models import Booking, BookingMove, Participant, Reservation
from estuary.bookings.moving.rules import can_move, check_movable
from estuary.bookings.order_lines import ScheduleRequest
from estuary.bookings.scheduling import plan_line, set_sold_length
from estuary.catalog.availability import SlotTaken
from estuary.catalog.calendar import move_entry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.db.transactions import violated_constraint
from estuary.orders.models import Order
from estuary.orders.place_order import Line


def move(
    *, booking: Booking, request: ScheduleRequest, by: User, at: datetime, beyond_limits: bool = False
) -> BookingMove | None:
    """Move a booking to a slot or to another date; return the move, or None if the booking is there already.

    Staff may move it ``beyond_limits``: after the deadline, or more often than was sold.

    A repeated request finds the booking at its new time, and changes and counts nothing. Must run inside the caller's
    transaction. Raises what ``check_movable`` raises, SchedulingRequired, SessionNotOffered, SessionStarted, SoldOut,
    AlreadyBooked, HeldByYourOrder, SlotTaken, SlotInPast or OutsideAvailability, and then changes nothing.
    """
    # Locks in the order of docs/architecture.md: the order, both sessions by id, the reservation.
    order = Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
    bookings = Booking.objects.select_related("service", "line").select_for_update(no_key=True, of=("self",))
    locked = bookings.get(pk=booking.pk)
    locked.order = order
    if locked.is_active and _is_there(locked, request):
        return None
    is_beyond = beyond_limits and not can_move(locked, at)
    check_movable(locked, at, beyond_limits=is_beyond)
    service = locked.service
    assert service
    if service.type == ServiceType.SESSION:
        set_sold_length(service, locked)
    else:
        lock_sessions([locked.session_id, request.session_id])
    line = plan_line(service, request, at)
    reservation = Reservation.objects.select_for_update(no_key=True).get(
        line_id=locked.line_id, status=Reservation.Status.CONFIRMED
    )
    if line.seats:
        _change_seat(locked, reservation, line.seats[0], at)
    else:
        _change_slot(locked, reservation, service, line)
    return _record(locked, line, by, at, is_beyond=is_beyond)


def calendar_entry_of(booking: Booking) -> int:
    """Return the id of the calendar entry that keeps a 1-on-1 booking's time."""
    reservation = Reservation.objects.get(line_id=booking.line_id, status=Reservation.Status.CONFIRMED)
    assert reservation.calendar_entry_id
    return reservation.calendar_entry_id


def _is_there(booking: Booking, request: ScheduleRequest) -> bool:
    if booking.service_type == ServiceType.WORKSHOP:
        return booking.session_id is not None and request.session_id == booking.session_id
    if booking.service_type == ServiceType.SESSION:
        return booking.starts_at is not None and request.starts_at == booking.starts_at
    return False


def _change_seat(booking: Booking, held: Reservation, session: ServiceSession, at: datetime) -> None:
    """Take a seat in the new session and return the old one; both sessions are locked."""
    assert held.session_id
    take_seats([session], user_id=booking.user_id)
    ServiceSession.objects.filter(pk=held.session_id).update(taken=F("taken") - 1)
    Reservation.objects.filter(pk=held.pk).update(status=Reservation.Status.RELEASED)
    Reservation.objects.create(
        order_id=held.order_id, line_id=held.line_id, session=session, status=held.status, created_at=at
    )
    Participant.objects.filter(booking=booking, active=True).update(active=False)
    Participant.objects.create(session=session, user_id=booking.user_id, booking=booking, created_at=at)


def _change_slot(booking: Booking, held: Reservation, service: Service, line: Line) -> None:
    """Change the entry in the practitioner's calendar in place, so the new time may overlap the old one."""
    assert line.starts_at and line.ends_at and held.calendar_entry_id
    interval = (service.practitioner_id, line.starts_at, line.ends_at)
    refuse_own_times(booking.user_id, [interval], except_reservation=held)
    try:
        move_entry(held.calendar_entry_id, line.starts_at, line.ends_at)
    except IntegrityError as error:
        if violated_constraint(error) != "calendar_practitioner_never_overlaps":
            raise
        raise SlotTaken("This time has just been taken. Choose another slot.") from None


def _record(booking: Booking, line: Line, by: User, at: datetime, *, is_beyond: bool) -> BookingMove:
    assert booking.starts_at and booking.ends_at and line.starts_at and line.ends_at
    session = line.seats[0] if line.seats else None
    # The moves of an earlier time, which was taken from it, are on record and count no more.
    earlier = booking.moves.count() if booking.unscheduled_at else booking.times_moved
    record = BookingMove(
        booking=booking,
        order_id=booking.order_id,
        number=earlier + 1,
        by=by,
        from_session_id=booking.session_id,
        from_starts_at=booking.starts_at,
        from_ends_at=booking.ends_at,
        to_session=session,
        to_starts_at=line.starts_at,
        to_ends_at=line.ends_at,
        moved_at=at,
        beyond_limits=is_beyond,
    )
    record.save()
    booking.former_starts_at = booking.counted_start
    booking.session, booking.starts_at, booking.ends_at = session, line.starts_at, line.ends_at
    booking.times_moved += 1
    booking.calendar_sequence += 1
    changed = ["session", "starts_at", "ends_at", "former_starts_at", "times_moved", "calendar_sequence"]
    booking.save(update_fields=changed)
    return record
