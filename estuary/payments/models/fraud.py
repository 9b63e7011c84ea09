"""What Stripe's Radar reports about payments: early fraud warnings and reviews."""

from django.db import models
from django.db.models import F, Q

from estuary.orders.models import Order


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
