"""The Stripe account that this database belongs to, and whether this database owns it."""

from django.db import models
from django.db.models import Q


class StripeAccount(models.Model):
    """The one Stripe account, in one mode, that this database belongs to.

    With a key of any other account, an object that is not found proves nothing.
    """

    class Standing(models.TextChoices):
        OWNER = "owner"
        # The Product at Stripe names another house as the owner.
        OTHER = "other"
        # Another database at the same address has counted further.
        BEHIND = "behind"
        # The key may not read or write products.
        UNTOLD = "untold"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    account_id = models.CharField(max_length=80, blank=True, help_text="Empty until Stripe has named it.")
    livemode = models.BooleanField(default=False)
    bound_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="When staff were told of a wrong key.")
    home = models.CharField(max_length=200, blank=True, db_default="", help_text="URL of this installation.")
    house = models.CharField(max_length=32, blank=True, db_default="", help_text="Random for each database.")
    count = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="Raised hourly, then at Stripe."
    )
    mark = models.CharField(max_length=32, blank=True, db_default="", help_text="Random for each count.")
    counted_at = models.DateTimeField(null=True, blank=True)
    count_leased_until = models.DateTimeField(null=True, blank=True)
    standing = models.CharField(
        max_length=8, choices=Standing, blank=True, db_default="", help_text="Empty until Stripe was asked."
    )
    judged_home = models.CharField(
        max_length=200, blank=True, db_default="", help_text="URL of the standing."
    )
    judged_at = models.DateTimeField(null=True, blank=True)
    house_since = models.DateTimeField(
        null=True, blank=True, help_text="In a copy at another URL: older objects belong to the original."
    )

    class Meta:
        constraints = [models.CheckConstraint(name="stripe_account_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.account_id} ({'live' if self.livemode else 'test'})"
