"""Scheduling a booking that was bought without a time: a part of a package or a bundle."""

from datetime import datetime

from django.db import transaction

from estuary.bookings.fulfilment import take_seats, take_slots
from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation
from estuary.bookings.order_lines import SchedulingRequired, SessionNotOffered, SessionStarted
from estuary.catalog.availability import check_slots
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.db.transactions import retry_transaction
from estuary.common.errors import Conflict
from estuary.orders.models import Order


class AlreadyScheduled(Conflict):
    code, title = "already_scheduled", "Already scheduled"


class BookingExpired(Conflict):
    code, title = "booking_expired", "The time to schedule this is over"


class BookingCanceled(Conflict):
    code, title = "booking_canceled", "The booking is canceled"


class NothingToSchedule(Conflict):
    code, title = "nothing_to_schedule", "There is nothing to schedule"


@retry_transaction
def schedule(
    *, booking: Booking, starts_at: datetime | None = None, session_id: int | None = None, at: datetime
) -> Booking:
    """Give an unscheduled booking its slot (``starts_at``) or its seat (``session_id``), once, and return it.

    Raises AlreadyScheduled, BookingExpired, BookingCanceled, NothingToSchedule, SchedulingRequired, SessionNotOffered,
    SessionStarted, SoldOut, AlreadyBooked, SlotTaken, SlotInPast or OutsideAvailability, and then takes nothing.
    """
    with transaction.atomic():
        # The order is locked first, as everywhere: a concurrent refund or cancellation waits, or we do.
        Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        locked = Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
        service = _schedulable(locked, at)
        if service.type == ServiceType.SESSION:
            _take_slot(locked, service, starts_at, session_id, at)
        else:
            _take_seat(locked, service, starts_at, session_id, at)
        locked.save(update_fields=["starts_at", "ends_at", "session"])
    return locked


def _schedulable(booking: Booking, at: datetime) -> Service:
    if booking.status == Booking.Status.EXPIRED:
        raise _expired(booking)
    if booking.status not in ACTIVE:
        raise BookingCanceled(
            f"This booking of {booking.service_name} is {booking.status}; it can't be scheduled."
        )
    if booking.service_type in {ServiceType.PACKAGE, ServiceType.BUNDLE}:
        raise NothingToSchedule(
            f"{booking.service_name} is scheduled part by part: schedule the bookings inside it."
        )
    if not booking.needs_scheduling:
        raise AlreadyScheduled(f"{booking.service_name} has its time already. Your bookings show it.")
    if booking.valid_until and booking.valid_until <= at:
        raise _expired(booking)
    if booking.service is None or booking.line_id is None:
        raise NothingToSchedule(f"{booking.service_name} is no longer offered. Please write to us.")
    return booking.service


def _expired(booking: Booking) -> BookingExpired:
    until = f" on {booking.valid_until:%d %B %Y}" if booking.valid_until else ""
    return BookingExpired(f"The time to schedule {booking.service_name} ended{until}.")


def _take_slot(
    booking: Booking, service: Service, starts_at: datetime | None, session_id: int | None, at: datetime
) -> None:
    if session_id is not None:
        raise SessionNotOffered(
            f"{service.name} is 1-on-1: send start_datetime instead of service_session_id."
        )
    if starts_at is None:
        raise SchedulingRequired(
            f"Choose when {service.name} shall start: send start_datetime, one of its free slots."
        )
    ends_at = check_slots([(service, starts_at)], at=at)[0]
    entry = take_slots([(service.practitioner_id, starts_at, ends_at)])[0]
    _confirm(booking, Reservation(calendar_entry=entry), at)
    booking.starts_at, booking.ends_at = starts_at, ends_at


def _take_seat(
    booking: Booking, service: Service, starts_at: datetime | None, session_id: int | None, at: datetime
) -> None:
    if starts_at is not None:
        raise SessionNotOffered(
            f"{service.name} has fixed dates: send service_session_id instead of start_datetime."
        )
    if session_id is None:
        raise SchedulingRequired(
            f"Choose a date of {service.name}: send service_session_id, one of its sessions."
        )
    session = (
        ServiceSession.objects.select_for_update(no_key=True).filter(pk=session_id, service=service).first()
    )
    if session is None:
        raise SessionNotOffered(f"Session {session_id} is not a date of {service.name}.")
    if session.starts_at <= at:
        raise SessionStarted(f"{service.name} began on {session.starts_at:%d %B %Y}; choose a later date.")
    take_seats([session], user_id=booking.user_id)
    _confirm(booking, Reservation(session=session), at)
    Participant.objects.create(session=session, user_id=booking.user_id, booking=booking, created_at=at)
    booking.session, booking.starts_at, booking.ends_at = session, session.starts_at, session.ends_at


def _confirm(booking: Booking, reservation: Reservation, at: datetime) -> None:
    assert booking.line_id is not None  # checked by _schedulable
    reservation.order_id, reservation.line_id = booking.order_id, booking.line_id
    reservation.status, reservation.created_at = Reservation.Status.CONFIRMED, at
    reservation.save()
