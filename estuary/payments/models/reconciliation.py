"""Reconciliation: how far Stripe's lists have been read, and payments there without an order here."""

from django.db import models
from django.db.models import Q, Value

from estuary.common import clock


class SyncCursor(models.Model):
    """The cursor of one of Stripe's lists, and the objects in the list, by id, that cannot be settled yet."""

    name = models.CharField(max_length=32, primary_key=True)
    looked_until = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read, errors or not.")
    failing = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    class Meta:
        db_table = "payments_lookout"

    def __str__(self) -> str:
        return f"{self.name} until {self.looked_until}"


class Orphan(models.Model):
    """A payment at Stripe that names an order that is unknown here or does not match it, and how it was resolved."""

    class Status(models.TextChoices):
        # Its bank is processing it: fetched again.
        WAITING = "waiting"
        # The order was restored.
        RECOVERED = "recovered"
        # Refunded in full: no buyer is left.
        RETURNED = "returned"
        # Nothing shows that it is ours: staff were alerted.
        FOREIGN = "foreign"

    stripe_payment_intent_id = models.CharField(max_length=80, unique=True)
    order_ref = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField(help_text="What was captured.")
    status = models.CharField(max_length=12, choices=Status, db_column="fate")
    seen_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(status="waiting"), name="orphan_waiting")]

    def __str__(self) -> str:
        return f"{self.stripe_payment_intent_id} for {self.order_ref}"
