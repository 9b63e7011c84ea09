"""How far Stripe's lists have been read, and what was found there of orders that we do not know."""

from django.db import models
from django.db.models import Q, Value

from estuary.common import clock


class Lookout(models.Model):
    """How far the worker has looked through a list at Stripe, and what of it, by name, can't be made to agree."""

    name = models.CharField(max_length=32, primary_key=True)
    looked_until = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="the same, whatever failed")
    failing = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    def __str__(self) -> str:
        return f"{self.name} until {self.looked_until}"


class Orphan(models.Model):
    """A payment at Stripe that names an order which is not known here or does not ask for it, and what became of it."""

    class Fate(models.TextChoices):
        WAITING = "waiting"  # its bank is at it: looked at again
        RECOVERED = "recovered"  # the order was written down again
        RETURNED = "returned"  # refunded in full: nobody is left to have it
        FOREIGN = "foreign"  # nothing shows that it is ours: staff were told

    stripe_payment_intent_id = models.CharField(max_length=80, unique=True)
    order_ref = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField(help_text="captured, minor units")
    fate = models.CharField(max_length=12, choices=Fate)
    seen_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(fate="waiting"), name="orphan_waiting")]

    def __str__(self) -> str:
        return f"{self.stripe_payment_intent_id} for {self.order_ref}"
