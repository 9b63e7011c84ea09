"""Requests under an ``Idempotency-Key``, and their responses."""

from django.conf import settings
from django.db import models

from estuary.common import clock
from estuary.orders.models import Order


class IdempotencyKey(models.Model):
    """A request that a client may send again: who sent it, its fingerprint, and its response once there is one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, help_text="As the client chose it.")
    request_key = models.CharField(
        max_length=64, unique=True, help_text="User and key in one. A refund stores it too."
    )
    fingerprint = models.CharField(max_length=64, help_text="Of the method, the URL and the body.")
    leased_until = models.DateTimeField(help_text="Until when the request counts as in progress.")
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.CASCADE,
        related_name="idempotency_keys",
        help_text="The order that the request places or pays for. Stored before any charge.",
    )
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Empty until there is a response.")
    answer = models.JSONField(null=True, help_text="Without client secrets: Stripe is asked for them again.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return self.key
