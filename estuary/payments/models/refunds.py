"""Refunds: each row is committed before Stripe is called."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from estuary.bookings.models import Booking
from estuary.common import clock, ids
from estuary.common.postgresql.id_parts import COLUMN_BY_BYTES, end_index
from estuary.orders.models import Order


class Refund(models.Model):
    """One refund, wherever it was started: its card part goes through Stripe, its credit part back to the balance.

    The row is committed as ``requested`` before Stripe is called, so its idempotency key is never lost.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    OPEN = frozenset({Status.REQUESTED, Status.PENDING})
    # Only refunds that exist at Stripe reduce what is left of a charge.
    KNOWN_TO_STRIPE = frozenset({Status.PENDING, Status.SUCCEEDED})
    OPEN_OR_SUCCEEDED = OPEN | {Status.SUCCEEDED}

    class Origin(models.TextChoices):
        STAFF = "staff"
        BUYER = "buyer"
        PRACTITIONER = "practitioner"
        DASHBOARD = "dashboard"
        AUTOMATIC = "automatic"

    public_id = models.CharField(max_length=32, unique=True, default=ids.refund_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds"
    )
    stripe_payment_intent_id = models.CharField(max_length=80, blank=True)
    stripe_refund_id = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=3)
    card_minor = models.PositiveBigIntegerField()
    credits_minor = models.PositiveBigIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    origin = models.CharField(max_length=12, choices=Origin)
    reason = models.CharField(max_length=200, blank=True)
    cancels = models.BooleanField(default=False, help_text="Cancels its booking, or the whole order.")
    is_unmatched = models.BooleanField(
        default=False, db_column="stray", help_text="Returns a second or wrong payment, not the order's."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    failure_reason = models.CharField(max_length=80, blank=True)
    request_key = models.CharField(max_length=64, blank=True, help_text="The API request that asked for it.")
    attempt = models.PositiveIntegerField(default=1, help_text="Counts its idempotency keys.")
    requested_at = models.DateTimeField(
        null=True, blank=True, db_column="asked_at", help_text="When it was last sent with no outcome known."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="When the worker tries again.")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="refund_not_empty", condition=Q(card_minor__gt=0) | Q(credits_minor__gt=0)
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                opclasses=[COLUMN_BY_BYTES],
                name="refund_by_stripe_id",
            ),
            models.UniqueConstraint(
                fields=["request_key"], condition=~Q(request_key=""), name="refund_once_per_request"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="requested"), name="refund_to_send"),
            models.Index(fields=["created_at"], condition=Q(status="pending"), name="refund_at_the_bank"),
            # Credit notes are numbered in this order.
            models.Index(
                fields=["settled_at", "id"],
                condition=Q(settled_at__isnull=False),
                name="refund_by_settlement",
            ),
            BrinIndex(fields=["settled_at"], autosummarize=True, name="refund_by_day"),
            models.Index(
                fields=["stripe_payment_intent_id"],
                condition=Q(stripe_payment_intent_id__gt=""),
                name="refund_by_intent",
            ),
            # For exports, which read on from the last row of a batch.
            models.Index(fields=["created_at", "id"], name="refund_by_request"),
            end_index("stripe_refund_id", "refund_stripe_id"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount_minor(self) -> int:
        return self.card_minor + self.credits_minor
