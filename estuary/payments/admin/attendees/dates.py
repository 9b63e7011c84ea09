"""The dates of a day, and who comes to each, in a fixed number of queries."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from estuary.accounts.models import User
from estuary.bookings.models import ACTIVE, Booking, Participant
from estuary.catalog.models import ServiceSession
from estuary.common.admin.times import time_of_day
from estuary.common.english_times import describe_place
from estuary.common.money import to_decimal
from estuary.orders.models import Order

# Dates of one day that the page shows.
MAX_DATES = 300
HEADER = ("Name", "E-mail", "Booking", "Payment", "Share", "Currency", "Order", "Sent by the buyer")


@dataclass(frozen=True, slots=True)
class Attendee:
    """One person at a date. ``payment`` is how the money stands, in a word or two."""

    name: str
    email: str
    booking_id: int
    booking_status: str
    payment: str
    is_contested: bool
    share: str
    currency: str
    order: Order
    notes: str

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.name, self.email, self.booking_status, self.payment, self.share, self.currency,
            self.order.public_id, self.notes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meeting:
    """A date of a workshop or a course, or a 1-on-1 with its one attendee. ``session_id`` is None for the latter."""

    session_id: int | None
    service: str
    practitioner: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    taken: int
    capacity: int
    attendee: Attendee | None = None
    is_called_off: bool = False

    @property
    def title(self) -> str:
        return f"{self.service} (called off)" if self.is_called_off else self.service

    @property
    def when(self) -> str:
        """Return the time where the practitioner is, and in UTC beside it if that differs."""
        begin, end = self.starts_at.astimezone(self.zone), self.ends_at.astimezone(self.zone)
        local = f"{begin:%a %d %b %Y, %H:%M}–{end:%H:%M} {describe_place(self.zone)}"
        return local if self.zone.key == "UTC" else f"{local} ({time_of_day(self.starts_at)})"


def dates_of(day: date) -> list[Meeting]:
    """Return what begins on a day, in UTC: group dates and booked 1-on-1s, the earliest first."""
    begin = timezone.make_aware(datetime.combine(day, time.min))
    during = {"starts_at__gte": begin, "starts_at__lt": begin + timedelta(days=1)}
    sessions = ServiceSession.objects.filter(**during).select_related("service__practitioner")
    slots = Booking.objects.filter(
        **during, session=None, service_type="session", status__in=[*ACTIVE, Booking.Status.COMPLETED]
    ).select_related("user", "order", "practitioner")
    meetings = [meeting_of(session) for session in sessions.order_by("starts_at", "pk")[:MAX_DATES]]
    meetings += [_slot(booking) for booking in slots.order_by("starts_at", "pk")[:MAX_DATES]]
    return sorted(meetings, key=lambda meeting: (meeting.starts_at, meeting.service))[:MAX_DATES]


def meeting_of(session: ServiceSession) -> Meeting:
    practitioner = session.service.practitioner
    return Meeting(
        session.pk, session.service.name, practitioner.display_name, session.starts_at, session.ends_at,
        practitioner.zone, session.taken, session.capacity, is_called_off=session.is_called_off,
    )  # fmt: skip


def _slot(booking: Booking) -> Meeting:
    assert booking.starts_at is not None and booking.ends_at is not None
    return Meeting(
        None, booking.service_name, booking.practitioner.display_name, booking.starts_at, booking.ends_at,
        booking.practitioner.zone, 1, 1, _attendee(booking.user, booking),
    )  # fmt: skip


def attendees_of(session: ServiceSession) -> Iterator[Attendee]:
    """Yield who has a seat, by last name, in one query. Held seats that are not paid are left out.

    Those of a date that was called off are bookings that are about to be canceled, and say so.
    """
    for seat in _seats(session):
        attendee = _attendee(seat.user, seat.booking)
        if session.is_called_off:
            attendee = replace(attendee, booking_status=f"{attendee.booking_status}, date called off")
        yield attendee


def _seats(session: ServiceSession) -> QuerySet[Participant]:
    seats = Participant.objects.filter(session=session, active=True).select_related("user", "booking__order")
    return seats.order_by("user__last_name", "user__first_name", "pk")


def _attendee(user: User, booking: Booking) -> Attendee:
    order = booking.order
    payment = "disputed" if order.disputed else "partly refunded" if order.refunded_minor else "paid"
    notes = order.service_data
    return Attendee(
        name=user.get_full_name(),
        email=user.email,
        booking_id=booking.pk,
        booking_status=booking.get_status_display().lower(),
        payment=payment,
        is_contested=order.disputed,
        share=to_decimal(booking.amount_minor, order.currency),
        currency=order.currency.upper(),
        order=order,
        notes="; ".join(
            f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
            for name, value in notes.items()
        ),
    )
