"""Scheduling a booking that was bought without a time: a part of a package or a bundle."""

from datetime import datetime

from django.db import transaction

from estuary.bookings.fulfilment import refuse_own_times, reserve
from estuary.bookings.models import ACTIVE, Booking, Participant, Reservation
from estuary.bookings.order_lines import (
    ScheduleRequest,
    SchedulingRequired,
    plan_matched_lines,
    refuse_other_kind,
)
from estuary.catalog.availability import SlotTaken
from estuary.catalog.bounds import minutes
from estuary.catalog.models import Service, ServiceType
from estuary.catalog.pricing import PricedItem
from estuary.common.db.transactions import retry_transaction
from estuary.common.english_times import write_date
from estuary.common.errors import Conflict
from estuary.common.process.job_queue import enqueue
from estuary.orders.models import Order, OrderLine
from estuary.orders.place_order import Line


class AlreadyScheduled(Conflict):
    code, title = "already_scheduled", "Already scheduled"


class BookingExpired(Conflict):
    code, title = "booking_expired", "The time to schedule this is over"


class BookingCanceled(Conflict):
    code, title = "booking_canceled", "The booking is canceled"


class NothingToSchedule(Conflict):
    code, title = "nothing_to_schedule", "There is nothing to schedule"


def schedule(
    *,
    booking: Booking,
    starts_at: datetime | None = None,
    session_id: int | None = None,
    shown_starts: tuple[datetime, ...] | None = None,
    at: datetime,
) -> Booking:
    """Give an unscheduled booking its slot (``starts_at``) or its seat (``session_id``), once, and return it.

    Raises AlreadyScheduled, BookingExpired, BookingCanceled, NothingToSchedule, SchedulingRequired, SessionNotOffered,
    SessionStarted, SessionCalledOff, TimeChanged, SoldOut, AlreadyBooked, HeldByYourOrder, SlotTaken, SlotInPast or
    OutsideAvailability, and then takes nothing.
    """
    request = ScheduleRequest(starts_at=starts_at, session_id=session_id, shown_starts=shown_starts)
    try:
        return _take_time(booking, request, at)
    except SlotTaken:
        service = booking.service
        if service and starts_at:
            set_sold_length(service, booking)
            interval = (service.practitioner_id, starts_at, starts_at + minutes(service.duration_min))
            refuse_own_times(booking.user_id, [interval])
        raise


@retry_transaction
def _take_time(booking: Booking, request: ScheduleRequest, at: datetime) -> Booking:
    with transaction.atomic():
        # The order is locked first, as everywhere: a concurrent refund or cancellation waits, or we do.
        order = Order.objects.select_for_update(no_key=True).get(pk=booking.order_id)
        bookings = Booking.objects.select_related("service", "line")
        locked = bookings.select_for_update(no_key=True, of=("self",)).get(pk=booking.pk)
        service, row = check_schedulable(locked, at)
        set_sold_length(service, locked)
        line = plan_line(service, request, at)
        [reservation] = reserve(order=order, lines=[(row, line)], status=Reservation.Status.CONFIRMED)
        for session in line.seats:
            Participant.objects.create(session=session, user_id=locked.user_id, booking=locked, created_at=at)
            locked.session = session
        locked.starts_at, locked.ends_at = line.starts_at, line.ends_at
        locked.save(update_fields=["starts_at", "ends_at", "session"])
        enqueue("payments.send_scheduled", [{"booking_id": locked.pk, "reservation_id": reservation.pk}])
    return locked


def check_schedulable(booking: Booking, at: datetime) -> tuple[Service, OrderLine]:
    """Return what is to be scheduled: the service, which may have been taken off sale since, and the line.

    Raises AlreadyScheduled, BookingExpired, BookingCanceled or NothingToSchedule.
    """
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
    if booking.service is None or booking.line is None:
        raise NothingToSchedule(f"{booking.service_name} is no longer offered. Please write to us.")
    return booking.service, booking.line


def set_sold_length(service: Service, booking: Booking) -> None:
    """Give the service, in memory, the length that was sold: a booking keeps it, whatever the service has by now."""
    service.duration_min = booking.sold_duration_min or service.duration_min


def _expired(booking: Booking) -> BookingExpired:
    until = f" on {write_date(booking.valid_until)}" if booking.valid_until else ""
    return BookingExpired(f"The time to schedule {booking.service_name} ended{until}.")


def plan_line(service: Service, request: ScheduleRequest, at: datetime) -> Line:
    """Return the line of a requested time; a session's row is locked. Raises SchedulingRequired, and as plan_lines."""
    refuse_other_kind(service, request)
    if request.starts_at is None and request.session_id is None:
        raise SchedulingRequired(
            f"Choose when {service.name} shall start: send start_datetime, one of its free slots."
            if service.type == ServiceType.SESSION
            else f"Choose a date of {service.name}: send service_session_id, one of its sessions."
        )
    [line] = plan_matched_lines([PricedItem(service, amount_minor=0)], [request], at=at)
    return line
