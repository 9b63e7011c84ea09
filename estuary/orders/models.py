"""Orders: what was ordered, at which price, and the state of the payment."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from estuary.catalog.models import Service, ServiceSession
from estuary.common import clock, ids
from estuary.common.db.prepared_queries import build_instance
from estuary.common.postgresql.id_parts import COLUMN_BY_BYTES, end_index
from estuary.orders.states import UNPAID, Status, check_transition


class OrderType(models.TextChoices):
    CREDIT = "credit"
    DIRECT = "direct"


class PaymentType(models.TextChoices):
    INTENT = "intent"
    CHECKOUT = "checkout"


HAS_INTENT = Q(stripe_payment_intent_id__startswith="pi_")


class Order(models.Model):
    """The snapshot of a sale. All amounts are minor units of ``currency``."""

    public_id = models.CharField(max_length=32, unique=True, default=ids.order_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    type = models.CharField(max_length=20, choices=OrderType)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    item_key = models.CharField(max_length=64, help_text="A buyer has one unpaid order for it at most.")
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    snapshot = models.JSONField(default=dict, help_text="Name, type and price when the order was placed.")

    currency = models.CharField(max_length=3)
    total_minor = models.PositiveBigIntegerField()
    credits_applied_minor = models.PositiveBigIntegerField(default=0)
    amount_due_minor = models.PositiveBigIntegerField(help_text="The share that is paid through Stripe.")
    credit_amount_minor = models.PositiveBigIntegerField(default=0, help_text="Credits that this order buys.")
    captured_minor = models.PositiveBigIntegerField(default=0)
    refunded_minor = models.PositiveBigIntegerField(default=0, help_text="Sum of its succeeded refunds.")

    payment_type = models.CharField(max_length=20, choices=PaymentType, default=PaymentType.INTENT)
    stripe_customer_id = models.CharField(max_length=80, blank=True, help_text="The payment's customer.")
    stripe_payment_intent_id = models.CharField(max_length=80, blank=True)
    stripe_checkout_session_id = models.CharField(max_length=120, blank=True)
    requested_at = models.DateTimeField(
        null=True, blank=True, db_column="asked_at", help_text="When its payment was last requested."
    )
    page_expires_at = models.DateTimeField(null=True, blank=True, help_text="As sent to Stripe.")
    attempt = models.PositiveIntegerField(default=1, help_text="Counts the idempotency keys of its payment.")
    idempotency_sequence = models.PositiveIntegerField(
        default=0, db_column="posts", help_text="Counts the idempotency keys of its other requests to Stripe."
    )
    save_payment_method = models.BooleanField(default=True)
    stripe_payment_method_id = models.CharField(max_length=80, blank=True, help_text="A saved card to use.")
    success_url = models.URLField(max_length=500, blank=True)
    cancel_url = models.URLField(max_length=500, blank=True)
    request_fingerprint = models.CharField(max_length=64, blank=True)
    service_data = models.JSONField(default=dict, blank=True)
    scheduling_data = models.JSONField(default=dict, blank=True)

    time_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="The buyer's, if it was told."
    )

    disputed = models.BooleanField(default=False, help_text="A dispute of its payment is open or was lost.")
    lost_minor = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Lost to disputes.")
    failure_code = models.CharField(max_length=64, blank=True)
    decline_code = models.CharField(max_length=64, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    cancel_reason = models.CharField(max_length=32, blank=True)

    expires_at = models.DateTimeField(help_text="When the hold on seats and slots ends.")
    kept_until = models.DateTimeField(
        null=True, blank=True, help_text="While its bank works: until when seats and slots are kept at most."
    )
    payment_open = models.BooleanField(
        default=False, db_default=False, help_text="The order has ended, its payment has not."
    )
    next_close_at = models.DateTimeField(null=True, blank=True, help_text="When the worker tries to end it.")
    next_fetch_at = models.DateTimeField(
        null=True, blank=True, db_column="next_ask_at", help_text="When its payment is fetched again."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    paid_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="order_total_is_credits_plus_card",
                condition=Q(total_minor=F("credits_applied_minor") + F("amount_due_minor")),
            ),
            models.CheckConstraint(name="order_total_positive", condition=Q(total_minor__gt=0)),
            models.CheckConstraint(
                name="order_refunds_within_total", condition=Q(refunded_minor__lte=F("total_minor"))
            ),
            models.CheckConstraint(
                name="order_loses_what_was_captured", condition=Q(lost_minor__lte=F("captured_minor"))
            ),
            models.CheckConstraint(
                name="order_fulfilled_means_paid",
                condition=~Q(status__in=[Status.COMPLETED, Status.PARTIALLY_REFUNDED])
                | Q(captured_minor=F("amount_due_minor")),
            ),
            models.UniqueConstraint(
                fields=["user", "item_key"],
                # An order that waits for its bank does not block another date of the item; credits have no date.
                condition=Q(status__in=sorted(UNPAID)) | Q(status=Status.PROCESSING, type=OrderType.CREDIT),
                name="order_one_live_per_item",
            ),
            # Compared by bytes, they also find an id by its beginning.
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                opclasses=[COLUMN_BY_BYTES],
                name="order_by_intent_id",
            ),
            models.UniqueConstraint(
                fields=["stripe_checkout_session_id"],
                condition=~Q(stripe_checkout_session_id=""),
                opclasses=[COLUMN_BY_BYTES],
                name="order_by_session_id",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="order_by_user"),
            models.Index(fields=["id"], condition=Q(status=Status.PAID), name="order_not_handed_over"),
            models.Index(
                fields=["user", "item_key"],
                condition=Q(status=Status.PROCESSING),
                name="order_processing_by_item",
            ),
            models.Index(
                fields=["kept_until"], condition=Q(status=Status.PROCESSING), name="order_kept_until"
            ),
            models.Index(fields=["id"], condition=Q(payment_open=True), name="order_payment_open"),
            # Recent purchases of a buyer.
            models.Index(
                fields=["user", "completed_at"],
                condition=Q(status__in=[Status.COMPLETED, Status.PARTIALLY_REFUNDED]),
                name="order_by_buyer_completed",
            ),
            # For the figures of a day, and for exports, which read on from the last row of a batch.
            models.Index(fields=["created_at", "id"], name="order_by_placed"),
            models.Index(fields=["paid_at", "id"], condition=Q(paid_at__isnull=False), name="order_by_paid"),
            # Receipts are numbered in this order.
            models.Index(
                fields=["completed_at", "id"],
                condition=Q(completed_at__isnull=False),
                name="order_by_completion",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=[Status.PENDING, Status.FAILED]),
                name="order_to_expire",
            ),
            # Staff have the end of an id. No other query has this condition: PostgreSQL may read all of an index whose
            # condition a query has.
            end_index("stripe_payment_intent_id", "order_intent", condition=HAS_INTENT),
        ]

    def __str__(self) -> str:
        return self.public_id

    def change_status(self, status: Status, *, cause: str, at: datetime) -> "OrderTransition":
        """Change the status and return the unsaved row that records it; the caller writes both.

        Raises IllegalTransition when states.py does not allow it.
        """
        before = Status(self.status)
        check_transition(before, status)
        self.status = status
        return build_instance(
            OrderTransition, order_id=self.pk, before=before, after=status, cause=cause, at=at
        )

    @property
    def title(self) -> str:
        return str(self.snapshot.get("name", "Credits"))


class OrderLine(models.Model):
    """One deliverable of an order: the service itself, an item of a package, or one session of a bundle.

    The amounts of the lines add up to the order's total exactly.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    service = models.ForeignKey(Service, null=True, on_delete=models.SET_NULL, related_name="+")
    service_type = models.CharField(max_length=16)
    service_name = models.CharField(max_length=200)
    amount_minor = models.PositiveBigIntegerField()
    session = models.ForeignKey(ServiceSession, null=True, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    # Requested times beyond the three that an unpaid order holds. No foreign key: a session may be deleted.
    requested_starts_at = models.DateTimeField(null=True, db_column="wished_starts_at")
    requested_ends_at = models.DateTimeField(null=True, db_column="wished_ends_at")
    requested_session_id = models.BigIntegerField(null=True, db_column="wished_session_id")
    duration_min = models.PositiveIntegerField(
        null=True,
        help_text="How long a 1-on-1 session lasts, as it was sold. Empty: a date has its own length.",
    )

    class Meta:
        ordering = ["order", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position_unique")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.service_name}"


class OrderTransition(models.Model):
    """One change of an order's status; never deleted."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="transitions")
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20)
    cause = models.CharField(max_length=80, help_text="The event, the job or the person that caused it.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.before or '–'} → {self.after} ({self.cause})"
