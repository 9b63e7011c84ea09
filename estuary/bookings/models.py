"""Reservations, which a buyer has before paying; bookings, participants and moves, which a buyer has after paying."""

from datetime import datetime, timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from estuary.accounts.models import Practitioner
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession
from estuary.common import clock
from estuary.orders.models import Order, OrderLine


class Reservation(models.Model):
    """A seat in a session or a slot of a practitioner: held for an order, then confirmed or released."""

    class Status(models.TextChoices):
        HELD = "held"
        CONFIRMED = "confirmed"
        RELEASED = "released"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="reservations")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="reservations")
    session = models.ForeignKey(
        ServiceSession, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    calendar_entry = models.OneToOneField(CalendarEntry, null=True, blank=True, on_delete=models.SET_NULL)
    status = models.CharField(max_length=12, choices=Status, default=Status.HELD)
    moved_from = models.DateTimeField(
        null=True, blank=True, help_text="When the session started before its practitioner moved it."
    )
    moved_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its practitioner moved the session, and the guests were written to.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "session"],
                condition=~Q(status="released"),
                name="reservation_seat_once_per_line",
            ),
            models.CheckConstraint(
                name="reservation_seat_or_slot",
                condition=Q(status="released") | Q(session=None) ^ Q(calendar_entry=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["session"], condition=~Q(status="released"), name="reservation_live_by_session"
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} for {self.order_id}"


# A new time can be declined for so long, even when it comes sooner: guests must have a chance to read of it.
DECLINE_AT_LEAST = timedelta(hours=24)

IS_ACTIVE = Q(status__in=["confirmed", "partially_refunded"])


class Booking(models.Model):
    """One service that one user has bought; a package or bundle is a parent with children."""

    class Status(models.TextChoices):
        CONFIRMED = "confirmed"
        CANCELED = "canceled"
        PARTIALLY_REFUNDED = "partially_refunded"
        COMPLETED = "completed"
        EXPIRED = "expired"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="bookings", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="0: what was ordered; from 1: its parts.")
    line = models.ForeignKey(OrderLine, null=True, on_delete=models.PROTECT, related_name="bookings")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    service = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="bookings")
    service_name = models.CharField(max_length=200)
    service_type = models.CharField(max_length=16)
    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    session = models.ForeignKey(
        ServiceSession, null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Empty until it is scheduled.")
    ends_at = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Until when it can be scheduled.")
    amount_minor = models.PositiveBigIntegerField(help_text="Its share of the order's total.")
    status = models.CharField(max_length=20, choices=Status, default=Status.CONFIRMED)
    canceled_at = models.DateTimeField(null=True, blank=True)
    forfeited = models.BooleanField(default=False, db_default=False, help_text="Canceled, its price kept.")
    former_starts_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The earliest of its starts before the buyer moved it. Empty: never moved.",
    )
    times_moved = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often the buyer has moved it."
    )
    unscheduled_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its time was last taken from it, to be chosen anew. Empty: never.",
    )
    calendar_sequence = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Counts the versions of its calendar entry."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Fulfilment inserts each booking at most once, however often it runs.
            models.UniqueConstraint(fields=["order", "position"], name="booking_once_per_order_and_position"),
            models.CheckConstraint(
                name="booking_child_has_line",
                condition=Q(position=0) | Q(parent__isnull=False, line__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="booking_by_user"),
            models.Index(fields=["practitioner", "starts_at"], name="booking_by_practitioner"),
            models.Index(fields=["ends_at"], condition=IS_ACTIVE, name="booking_to_complete"),
            # For the attendees of a day: 1-on-1s alone, as group sessions have a table of their own.
            models.Index(
                fields=["starts_at"],
                condition=Q(session=None, service_type="session"),
                name="booking_slot_by_start",
            ),
            # For exports, which read on from the last row of a batch.
            models.Index(fields=["created_at", "id"], name="booking_by_time"),
            models.Index(fields=["valid_until"], condition=IS_ACTIVE, name="booking_to_expire"),
            models.Index(fields=["starts_at"], condition=IS_ACTIVE, name="booking_to_remind"),
        ]

    def __str__(self) -> str:
        return f"{self.service_name} for {self.user_id}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    def is_to_come(self, at: datetime) -> bool:
        """Return whether the booking is active and lies ahead: not begun, or unscheduled and still valid."""
        if self.starts_at:
            return self.is_active and self.starts_at > at
        return self.is_active and (self.valid_until is None or self.valid_until > at)

    def join_url_of(self, session: ServiceSession | None) -> str | None:
        """Return the link to join a meeting online: for whoever has booked it, until that is canceled or over."""
        ends_at = session.ends_at if session else self.ends_at
        if not self.is_active or self.starts_at is None or self.service is None:
            return None
        if ends_at is not None and ends_at <= clock.now():
            return None
        return (session.join_url if session else "") or self.service.join_url or None

    @property
    def counted_start(self) -> datetime | None:
        """Return the start from which notice counts: the earliest that the booking has or had.

        So moving a booking never gives back a right to cancel or move that would have ended.
        """
        if self.starts_at and self.former_starts_at:
            return min(self.starts_at, self.former_starts_at)
        return self.starts_at

    @property
    def sold_duration_min(self) -> int | None:
        """Return how many minutes of a 1-on-1 session were sold; None of a part that was sold before that was kept."""
        if self.starts_at and self.ends_at:
            return round((self.ends_at - self.starts_at).total_seconds() / 60)
        return self.line.duration_min if self.line else None

    @property
    def needs_scheduling(self) -> bool:
        return self.is_active and self.service_type in {"session", "workshop"} and self.starts_at is None

    @property
    def missed_starts_at(self) -> datetime | None:
        """Return the requested time, if it was not free any more when the order was paid."""
        if self.line is None or not self.needs_scheduling or self.unscheduled_at:
            return None
        return self.line.requested_starts_at


ACTIVE = frozenset({Booking.Status.CONFIRMED, Booking.Status.PARTIALLY_REFUNDED})


class Participant(models.Model):
    """A user's seat in one session; at most one active seat per session and user."""

    session = models.ForeignKey(ServiceSession, on_delete=models.PROTECT, related_name="participants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="participations"
    )
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="participants")
    active = models.BooleanField(default=True)
    moved_from = models.DateTimeField(
        null=True, blank=True, help_text="When the session started before its practitioner moved it."
    )
    moved_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its practitioner moved the session, and the guests were written to.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "user"], condition=Q(active=True), name="participant_once_per_session"
            ),
            models.UniqueConstraint(
                fields=["booking", "session"], condition=Q(active=True), name="participant_once_per_booking"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.session_id}"

    @property
    def decline_until(self) -> datetime | None:
        """Return until when the guest may decline the new time of a moved session; None if it was not moved."""
        if self.moved_from is None:
            return None
        begins = self.session.starts_at
        return max(begins, self.moved_at + DECLINE_AT_LEAST) if self.moved_at else begins

    def can_decline(self, at: datetime) -> bool:
        return self.decline_until is not None and self.decline_until > at


class BookingMove(models.Model):
    """One move of a booking to another time of the same service; never changed, never deleted."""

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="moves", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="booking_moves")
    number = models.PositiveSmallIntegerField(help_text="Counts the moves of the booking, from 1.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_session = models.ForeignKey(ServiceSession, null=True, on_delete=models.PROTECT, related_name="+")
    from_starts_at = models.DateTimeField()
    from_ends_at = models.DateTimeField()
    to_session = models.ForeignKey(ServiceSession, null=True, on_delete=models.PROTECT, related_name="+")
    to_starts_at = models.DateTimeField()
    to_ends_at = models.DateTimeField()
    moved_at = models.DateTimeField(default=clock.now, editable=False)
    beyond_limits = models.BooleanField(
        default=False, db_default=False, help_text="By staff, after the deadline or more often than was sold."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["booking", "number"], name="booking_move_number_once"),
            models.CheckConstraint(
                name="booking_move_goes_elsewhere",
                condition=~Q(from_starts_at=F("to_starts_at")),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"move {self.number} of booking {self.booking_id}"


class RosterFeed(models.Model):
    """The secret address of a practitioner's calendar feed. Of its token only the hash is stored."""

    practitioner = models.OneToOneField(Practitioner, on_delete=models.CASCADE, related_name="roster_feed")
    token_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token_hash"], name="roster_feed_token_once")]

    def __str__(self) -> str:
        return f"feed of {self.practitioner_id}"
