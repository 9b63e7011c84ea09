"""A practitioner's roster: whom they meet, when and where, in the past too."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Prefetch

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, Participant
from estuary.catalog.bounds import DURATION_MAX, SESSION_MAX
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.orders.states import Status

# A meeting that took place is completed; one that was not canceled is on the roster.
ON = frozenset({Booking.Status.CONFIRMED, Booking.Status.PARTIALLY_REFUNDED, Booking.Status.COMPLETED})
SLOT_MAX = timedelta(minutes=DURATION_MAX)
WITH_A_TIME = (ServiceType.SESSION, ServiceType.WORKSHOP, ServiceType.COURSE)


class Payment(models.TextChoices):
    """How a guest's order stands, without amounts. A dispute comes first: the bank decides about it."""

    PAID = "paid"
    CREDITS = "credits"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"

    @classmethod
    def of(cls, booking: Booking) -> "Payment":
        order = booking.order
        if order.disputed:
            return cls.DISPUTED
        if order.status == Status.REFUNDED:
            return cls.REFUNDED
        if booking.status == Booking.Status.PARTIALLY_REFUNDED:
            return cls.PARTIALLY_REFUNDED
        return cls.PAID if order.amount_due_minor else cls.CREDITS


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest, with what the buyer sent along with the order: ``service_data``, such as a wish or an allergy.

    ``earlier_visits`` are the guest's bookings with the same practitioner that began before.
    """

    booking: Booking
    name: str
    payment: Payment
    earlier_visits: int = 0

    @property
    def disputed(self) -> bool:
        return self.payment == Payment.DISPUTED

    @property
    def service_data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.booking.order.service_data
        return data


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One meeting: a group session with its seats, or a 1-on-1 slot of one guest."""

    service: Service | None
    service_type: str
    service_name: str
    session: ServiceSession | None
    starts_at: datetime
    ends_at: datetime
    capacity: int
    seats_left: int
    guests: tuple[Guest, ...]
    sequence: int = 0
    called_off: bool = False
    moved_from: datetime | None = None

    @property
    def service_id(self) -> int | None:
        return self.service.pk if self.service else None

    @property
    def service_session_id(self) -> int | None:
        return self.session.pk if self.session else None

    @property
    def venue(self) -> Venue | None:
        return self.service.venue if self.service else None

    @property
    def location(self) -> str:
        return self.service.location if self.service else ""

    @property
    def link(self) -> str:
        """Return the link to join online, of the date or else of its service; empty when it was called off."""
        if self.called_off or self.service is None:
            return ""
        return (self.session.join_url if self.session else "") or self.service.join_url


def roster(
    practitioner: Practitioner, *, begin: datetime, end: datetime, with_canceled: bool = False
) -> list[RosterEntry]:
    """Return the meetings that are not over at ``begin`` and start before ``end``, soonest first, in three queries.

    Guests are shown by name only. Held seats that are not booked yet are left out. A canceled 1-on-1 is a meeting
    that was called off, and is returned ``with_canceled`` only.
    """
    entries = [
        *_group_sessions(practitioner, begin, end),
        *_slots(practitioner, begin, end, with_canceled=with_canceled),
    ]
    return sorted(entries, key=lambda entry: entry.starts_at)


def _group_sessions(practitioner: Practitioner, begin: datetime, end: datetime) -> list[RosterEntry]:
    seated = Participant.objects.filter(active=True).select_related("user", "booking__order").order_by("id")
    sessions = (
        ServiceSession.objects.filter(
            service__practitioner=practitioner,
            ends_at__gt=begin,
            starts_at__gt=begin - SESSION_MAX,
            starts_at__lt=end,
        )
        .select_related("service__venue")
        .prefetch_related(Prefetch("participants", seated))
    )
    return [_group_session(session, session.participants.all()) for session in sessions]


def _group_session(session: ServiceSession, seats: Iterable[Participant]) -> RosterEntry:
    moved_from = (seat.moved_from for seat in seats if seat.moved_from)
    return RosterEntry(
        service=session.service,
        service_type=session.service.type,
        service_name=session.service.name,
        session=session,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        capacity=session.capacity,
        seats_left=0 if session.is_called_off else session.seats_left,
        guests=tuple(_guest(seat.booking, seat.user) for seat in seats),
        sequence=session.calendar_sequence,
        called_off=session.is_called_off,
        moved_from=min(moved_from, default=None),
    )


def _slots(
    practitioner: Practitioner, begin: datetime, end: datetime, *, with_canceled: bool
) -> list[RosterEntry]:
    statuses = [*ON, Booking.Status.CANCELED] if with_canceled else ON
    booked = Booking.objects.filter(
        practitioner=practitioner,
        service_type=ServiceType.SESSION,
        status__in=statuses,
        ends_at__gt=begin,
        starts_at__gt=begin - SLOT_MAX,
        starts_at__lt=end,
    ).select_related("user", "order", "service__venue")
    return [_slot(booking) for booking in booked if booking.starts_at and booking.ends_at]


def _slot(booking: Booking) -> RosterEntry:
    assert booking.starts_at and booking.ends_at
    is_canceled = booking.status == Booking.Status.CANCELED
    return RosterEntry(
        service=booking.service,
        service_type=booking.service_type,
        service_name=booking.service_name,
        session=None,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        capacity=1,
        seats_left=0,
        guests=(_guest(booking, booking.user),),
        # Nothing follows a cancellation, so one more than the last move is enough.
        sequence=booking.calendar_sequence + is_canceled,
        called_off=is_canceled,
        moved_from=booking.former_starts_at,
    )


def _guest(booking: Booking, user: User) -> Guest:
    """Return a guest by name: practitioners do not see whole e-mail addresses."""
    return Guest(booking, user.public_name, Payment.of(booking))


def with_visits(practitioner: Practitioner, entries: Sequence[RosterEntry]) -> list[RosterEntry]:
    """Return the entries with how often each guest had been there before, in one query for all of them.

    Example: a guest who had two sessions in May, and has one on Monday and one on Friday, had 2 and 3 before.
    """
    if not entries:
        return []
    begin = min(entry.starts_at for entry in entries)
    before = _visits_before(practitioner, entries, begin)
    counted: dict[int, set[int]] = defaultdict(set)
    shown = []
    for entry in sorted(entries, key=lambda entry: entry.starts_at):
        guests = []
        for guest in entry.guests:
            booking = guest.booking
            own = counted[booking.user_id]
            # A course that began before the first entry is no earlier visit of its own.
            is_before = booking.starts_at is not None and booking.starts_at < begin
            visits = before[booking.user_id] - is_before + len(own - {booking.pk})
            guests.append(replace(guest, earlier_visits=max(visits, 0)))
            if not is_before:
                own.add(booking.pk)
        shown.append(replace(entry, guests=tuple(guests)))
    return shown


def _visits_before(
    practitioner: Practitioner, entries: Iterable[RosterEntry], begin: datetime
) -> Counter[int]:
    """Count each guest's bookings with the practitioner that began before a moment."""
    user_ids = {guest.booking.user_id for entry in entries for guest in entry.guests}
    counts = (
        Booking.objects.filter(
            practitioner=practitioner,
            user_id__in=user_ids,
            service_type__in=WITH_A_TIME,
            status__in=ON,
            starts_at__lt=begin,
        )
        .order_by()
        .values_list("user_id")
        .annotate(Count("pk"))
    )
    return Counter(dict(counts))
