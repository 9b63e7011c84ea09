"""What staff are told of: alerts at most once an hour, and refusals, which the checkup reports."""

from django.db import models


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
