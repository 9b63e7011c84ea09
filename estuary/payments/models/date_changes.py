"""Changes of dates: a date is called off or moved, or all days of a range are. Each has a row per consequence."""

from collections import Counter
from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession
from estuary.common import clock, ids
from estuary.orders.models import Order
from estuary.payments.models.refunds import Refund

MESSAGE_MAX = 1000
REASON_MAX = 200


class DateChange(models.Model):
    """One act: who called off or moved what, when and why. It is carried out order by order, until it is done."""

    class Kind(models.TextChoices):
        CALL_OFF = "call_off"
        MOVE = "move"
        CALL_OFF_DAYS = "call_off_days"

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    public_id = models.CharField(max_length=32, default=ids.date_change_id, editable=False)
    preview_id = models.CharField(max_length=64, help_text="The preview that was carried out.")
    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="date_changes")
    session_ids = ArrayField(models.BigIntegerField(), default=list, help_text="The dates that it changed.")
    booking = models.ForeignKey(
        Booking,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The 1-on-1 booking that was called off.",
    )
    title = models.CharField(max_length=300, help_text="What was changed, in words.")
    old_starts_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField(help_text="The new start, or the beginning of what was called off.")
    ends_at = models.DateTimeField()
    message = models.TextField(max_length=MESSAGE_MAX, blank=True, help_text="To the guests.")
    reason = models.CharField(max_length=REASON_MAX, blank=True, help_text="For the record.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="When the worker goes on with it.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Constraints and not ``unique=True``, which would also make an index for patterns.
            models.UniqueConstraint(fields=["public_id"], name="date_change_public_id_unique"),
            models.UniqueConstraint(fields=["preview_id"], name="date_change_once_per_preview"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="running"), name="date_change_running"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def mail_key(self) -> str:
        """Return what the keys of all mails about the change begin with, by which they find it again."""
        return f"date-change-{self.public_id}"


class DateChangeRow(models.Model):
    """One consequence for one order, by one tender; the sum in minor units. ``held_back`` waits for a dispute."""

    class Act(models.TextChoices):
        END_ORDER = "end_order"
        REFUND = "refund"
        CANCEL = "cancel"
        RESCHEDULE = "reschedule"
        HOLD_BACK = "hold_back"
        MOVE = "move"

    class Tender(models.TextChoices):
        PAYMENT_METHOD = "payment_method"
        CREDITS = "credits"
        NONE = "none"

    class Status(models.TextChoices):
        WAITING = "waiting"
        HELD_BACK = "held_back"
        DONE = "done"

    change = models.ForeignKey(DateChange, on_delete=models.PROTECT, related_name="rows")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="date_change_rows")
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    session = models.ForeignKey(
        ServiceSession, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    act = models.CharField(max_length=16, choices=Act)
    tender = models.CharField(max_length=16, choices=Tender)
    line = models.CharField(max_length=300, help_text="What it is about, in words.")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="When it began before the change.")
    ends_at = models.DateTimeField(null=True, blank=True)
    amount_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    why = models.CharField(max_length=400)
    status = models.CharField(max_length=12, choices=Status, default=Status.WAITING)
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="date_change_money_has_tender", condition=Q(amount_minor=0) | ~Q(tender="none")
            ),
        ]
        indexes = [
            models.Index(fields=["change"], condition=Q(status="waiting"), name="date_change_row_waiting"),
            models.Index(fields=["order"], condition=Q(status="held_back"), name="date_change_row_held_back"),
        ]

    def __str__(self) -> str:
        return f"{self.act} of {self.line}"

    @classmethod
    def sum_held_back(cls, rows: Iterable[Self]) -> Counter[int | None]:
        """Return what waits for a dispute, in minor units by the id of its booking."""
        held_back: Counter[int | None] = Counter()
        for row in rows:
            if row.status == cls.Status.HELD_BACK:
                held_back[row.booking_id] += row.amount_minor
        return held_back
