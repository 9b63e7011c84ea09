"""What is counted: attempts, declines and holds for the limits, alerts to staff, and what was refused."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from estuary.common import clock
from estuary.orders.models import Order


class Hold(models.Model):
    """What an order held when it was placed: for whom, from which address, and until when. Kept for two days."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="hold")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="holds", db_index=False
    )
    practitioner_id = models.BigIntegerField()
    newcomer = models.BooleanField(help_text="Had paid for nothing before.")
    address = models.CharField(max_length=64, blank=True, help_text="IP address. Of IPv6, the /64 network.")
    site = models.CharField(max_length=64, blank=True, help_text="The same. Of IPv6, the /48 network.")
    ends_at = models.DateTimeField(help_text="Later orders of the buyer do not move it.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        app_label = "payments"
        indexes = [
            models.Index(fields=["user", "-created_at"], name="hold_by_user"),
            models.Index(fields=["site"], condition=Q(newcomer=True) & ~Q(site=""), name="hold_by_site"),
            models.Index(fields=["created_at"], name="hold_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} until {self.ends_at}"


class RateLimitCounter(models.Model):
    """How often a user or an address called an endpoint that makes Stripe try cards, and how many were declined."""

    name = models.CharField(max_length=100, primary_key=True, help_text="The endpoint, and who calls it.")
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(help_text="When the count starts again.")
    declines = models.PositiveIntegerField(default=0, help_text="Declines in a row.")
    forgiven_at = models.DateTimeField(help_text="When the declines are forgotten, unless there are more.")
    last_decline = models.CharField(max_length=80, blank=True, help_text="Its id at Stripe: counted once.")
    came_from = models.CharField(max_length=64, blank=True, help_text="The user's last IP address.")

    class Meta:
        db_table = "payments_attempts"
        indexes = [models.Index(fields=["ends_at"], name="attempts_by_end")]

    def __str__(self) -> str:
        return f"{self.name}: {self.count}, {self.declines} declined"


class Decline(models.Model):
    """A decline that was counted, by Stripe's name of the attempt: an event and a fetch of the same one count once."""

    name = models.CharField(max_length=80, primary_key=True)
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["counted_at"], name="decline_by_age")]

    def __str__(self) -> str:
        return self.name


class HourlyAlert(models.Model):
    """When staff were last alerted of something that may happen often."""

    code = models.CharField(max_length=40, primary_key=True)
    alerted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.code} at {self.alerted_at}"


class Refusal(models.Model):
    """How often one thing was refused on one day (UTC)."""

    class Source(models.TextChoices):
        WEBHOOK = "webhook", "a request to our webhook"
        STRIPE = "stripe", "a call to Stripe"

    source = models.CharField(max_length=8, choices=Source)
    reason = models.CharField(max_length=80, help_text="Of a request why, of a call its name.")
    day = models.DateField()
    key_digest = models.CharField(max_length=16, blank=True, help_text="Of a call: which key was refused.")
    detail = models.CharField(max_length=500, blank=True, help_text="Of a call: Stripe's sentence, redacted.")
    count = models.PositiveBigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "reason", "day", "key_digest"], name="refusal_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.day}: {self.count}"
