"""Requests under an ``Idempotency-Key``, and their responses."""

from django.conf import settings
from django.db import models

from estuary.common import clock
from estuary.orders.models import Order


class IdempotencyKey(models.Model):
    """A request that a client may send again: who sent it, its fingerprint, and its response once there is one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, help_text="as the client chose it")
    request_key = models.CharField(
        max_length=64, unique=True, help_text="user and key in one; a refund carries it too"
    )
    fingerprint = models.CharField(max_length=64, help_text="of the method, the address and the body")
    leased_until = models.DateTimeField(help_text="until when the request is taken to be under way")
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.CASCADE,
        related_name="idempotency_keys",
        help_text="the order that the request placed, or took up to pay for it; noted before any charge",
    )
    status_code = models.PositiveSmallIntegerField(
        null=True, help_text="of the answer; empty until there is one"
    )
    answer = models.JSONField(null=True, help_text="without client secrets, which are asked of Stripe again")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return self.key
