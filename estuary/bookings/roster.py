"""A practitioner's roster: whom they meet, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import ACTIVE, Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest, with what the buyer sent along with the order: ``service_data``, such as a wish or an allergy."""

    booking_id: int
    name: str
    disputed: bool
    service_data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One meeting: a group session with its seats, or a 1-on-1 slot of one guest."""

    service_id: int | None
    service_type: str
    service_name: str
    service_session_id: int | None
    starts_at: datetime
    ends_at: datetime
    capacity: int
    guests: tuple[Guest, ...]
    called_off: bool = False


def roster(practitioner: Practitioner, *, begin: datetime, end: datetime) -> list[RosterEntry]:
    """Return the meetings that are not over at ``begin`` and start before ``end``, soonest first, in three queries.

    Guests are shown by name only. Held seats that are not booked yet are left out.
    """
    entries = [*_group_sessions(practitioner, begin, end), *_slots(practitioner, begin, end)]
    return sorted(entries, key=lambda entry: entry.starts_at)


def _group_sessions(practitioner: Practitioner, begin: datetime, end: datetime) -> list[RosterEntry]:
    seated = Participant.objects.filter(active=True).select_related("user", "booking__order").order_by("id")
    sessions = (
        ServiceSession.objects.filter(
            service__practitioner=practitioner, ends_at__gt=begin, starts_at__lt=end
        )
        .select_related("service")
        .prefetch_related(Prefetch("participants", seated))
    )
    return [
        RosterEntry(
            service_id=session.service_id,
            service_type=session.service.type,
            service_name=session.service.name,
            service_session_id=session.pk,
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            capacity=session.capacity,
            guests=tuple(_guest(seat.booking, seat.user) for seat in session.participants.all()),
            called_off=session.is_called_off,
        )
        for session in sessions
    ]


def _slots(practitioner: Practitioner, begin: datetime, end: datetime) -> list[RosterEntry]:
    booked = Booking.objects.filter(
        practitioner=practitioner,
        service_type=ServiceType.SESSION,
        status__in=ACTIVE,
        ends_at__gt=begin,
        starts_at__lt=end,
    ).select_related("user", "order")
    return [
        RosterEntry(
            service_id=booking.service_id,
            service_type=booking.service_type,
            service_name=booking.service_name,
            service_session_id=None,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            capacity=1,
            guests=(_guest(booking, booking.user),),
        )
        for booking in booked
        if booking.starts_at and booking.ends_at
    ]


def _guest(booking: Booking, user: User) -> Guest:
    """Return a guest by name: practitioners do not see whole e-mail addresses."""
    order = booking.order
    return Guest(booking.pk, user.public_name, order.disputed, order.service_data)
