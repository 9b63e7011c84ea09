"""What buyers agreed to before a card was saved: the wording that they saw, and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models.customers import PaymentMethod, SetupIntent


class Consent(models.Model):
    """A buyer's consent to save a card, given with an order or a SetupIntent; the card is linked once it is saved."""

    class Purpose(models.TextChoices):
        SAVE_CARD = "save_card", "save a card for later purchases"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=32, choices=Purpose)
    wording_id = models.CharField(max_length=64, help_text="Its id names its version too.")
    text = models.TextField(help_text="The sentence as the buyer saw it.")
    given_at = models.DateTimeField(default=clock.now, editable=False)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="consents", db_index=False
    )
    setup_intent = models.ForeignKey(
        SetupIntent,
        null=True,
        blank=True,
        # The SetupIntent's row is deleted after a while; the consent stays with its card.
        on_delete=models.SET_NULL,
        related_name="consents",
    )
    payment_method = models.ForeignKey(
        PaymentMethod, null=True, blank=True, on_delete=models.PROTECT, related_name="consents"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "wording_id"], name="consent_once_per_order_and_wording"
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-id"], condition=Q(payment_method=None), name="consent_without_card_by_user"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wording_id} at {self.given_at:%Y-%m-%d %H:%M} UTC"
