"""Disputes of payments, and what Stripe's Radar reports: early fraud warnings and reviews."""

from django.db import models
from django.db.models import F, Q

from estuary.common.postgresql.id_parts import begin_index, end_index
from estuary.orders.models import Order


class Dispute(models.Model):
    """One dispute at Stripe: the buyer's bank asks for a payment back, or has taken it back. A row beside its order.

    Frozen and clawed back are credits that the payment had bought; lost is the card's money.
    """

    class Status(models.TextChoices):
        WARNING_NEEDS_RESPONSE = "warning_needs_response", "inquiry, to be answered"
        WARNING_UNDER_REVIEW = "warning_under_review", "inquiry, under review"
        NEEDS_RESPONSE = "needs_response", "to be answered"
        UNDER_REVIEW = "under_review", "under review"
        APPEAL_NEEDS_RESPONSE = "appeal_needs_response", "appeal, to be answered"
        APPEAL_UNDER_REVIEW = "appeal_under_review", "appeal, under review"
        WARNING_CLOSED = "warning_closed", "inquiry closed"
        PREVENTED = "prevented"
        WON = "won"
        LOST = "lost"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=80, unique=True)
    stripe_charge_id = models.CharField(max_length=80, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=80)
    amount_minor = models.PositiveBigIntegerField(help_text="What the bank asks for.")
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=40)
    status = models.CharField(max_length=24, choices=Status)
    due_by = models.DateTimeField(null=True, blank=True, help_text="Deadline for evidence.")
    refundable = models.BooleanField(default=False, help_text="At Stripe, as during an inquiry.")
    is_unmatched = models.BooleanField(
        default=False, db_column="stray", help_text="Of a second or wrong payment. The order stays as it is."
    )
    frozen_minor = models.PositiveBigIntegerField(default=0, help_text="Credits frozen while it is open.")
    clawed_minor = models.PositiveBigIntegerField(default=0, help_text="Credits taken back as it was lost.")
    lost_minor = models.PositiveBigIntegerField(default=0, help_text="The order's money lost with it.")
    revision = models.PositiveSmallIntegerField(default=0, help_text="Counts changes; names their postings.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When we learned of the decision.")
    next_fetch_at = models.DateTimeField(
        null=True, blank=True, db_column="next_ask_at", help_text="When the worker fetches it again."
    )

    class Meta:
        ordering = [F("closed_at").desc(nulls_first=True), "due_by", "id"]
        constraints = [
            models.CheckConstraint(
                name="dispute_freezes_while_open", condition=Q(frozen_minor=0) | Q(closed_at=None)
            ),
            models.CheckConstraint(
                name="dispute_takes_when_lost", condition=Q(clawed_minor=0, lost_minor=0) | Q(status="lost")
            ),
        ]
        indexes = [
            models.Index(fields=["due_by"], condition=Q(closed_at=None), name="dispute_open_by_deadline"),
            models.Index(fields=["stripe_payment_intent_id"], name="dispute_by_payment"),
            begin_index("stripe_dispute_id", "dispute_stripe_id"),
            end_index("stripe_dispute_id", "dispute_stripe_id"),
        ]

    def __str__(self) -> str:
        return self.stripe_dispute_id

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def needs_answer(self) -> bool:
        """Whether the bank waits for evidence."""
        return self.is_open and self.status.endswith("needs_response")

    @property
    def blocks_refunds(self) -> bool:
        """Whether Stripe refuses refunds of the charge: while a dispute is open, and once it is lost.

        An inquiry leaves the charge refundable.
        """
        return not self.refundable and (self.is_open or self.status == self.Status.LOST)

    @property
    def public_status(self) -> str:
        """The dispute's state in the API's words: ``open``, ``won``, ``lost`` or ``closed``."""
        if self.is_open:
            return "open"
        return self.status if self.status in {self.Status.WON, self.Status.LOST} else "closed"


def is_blocked_by_dispute(order: Order) -> bool:
    """Whether a dispute blocks every refund: one that is open, or was lost.

    An inquiry does not block refunds: a refund often ends it.
    """
    if not order.disputed:
        return False
    own_disputes = _own_disputes(order)
    return not own_disputes or any(dispute.blocks_refunds for dispute in own_disputes)


def is_awaiting_bank(order: Order) -> bool:
    """Whether a dispute that blocks every refund is still open, and none was lost: the money may yet stay here."""
    blocking = [dispute for dispute in _own_disputes(order) if dispute.blocks_refunds]
    return bool(blocking) and all(dispute.is_open for dispute in blocking)


def _own_disputes(order: Order) -> list[Dispute]:
    return [dispute for dispute in order.disputes.all() if not dispute.is_unmatched]


class FraudNotice(models.Model):
    """An issuer's early fraud warning, or a review, of an order's payment. It moves no money by itself."""

    class Kind(models.TextChoices):
        WARNING = "early_fraud_warning", "early fraud warning"
        REVIEW = "review", "review"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fraud_notices")
    stripe_notice_id = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=24, choices=Kind)
    stripe_charge_id = models.CharField(max_length=80, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=80)
    reason = models.CharField(
        max_length=40, help_text="Stripe's word for the fraud, or for why it is reviewed."
    )
    closed_reason = models.CharField(max_length=40, blank=True, help_text="How a review ended.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When we learned that it was decided, refunded or disputed."
    )

    class Meta:
        ordering = [F("closed_at").desc(nulls_first=True), "-opened_at", "-id"]
        indexes = [
            models.Index(fields=["opened_at"], condition=Q(closed_at=None), name="fraud_notice_open"),
        ]

    def __str__(self) -> str:
        return self.stripe_notice_id

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
