"""The row that says whose Stripe account this is, and how this database stands beside its owner."""

from django.db import models
from django.db.models import Q


class StripeAccount(models.Model):
    """The one Stripe account, and mode of it, that this database belongs to: what others do not know says nothing."""

    class Standing(models.TextChoices):
        OWNER = "owner"
        OTHER = "other"  # another house is written down as the owner
        BEHIND = "behind"  # another database of the same address has counted further
        UNTOLD = "untold"  # the key may not read or write products

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    account_id = models.CharField(max_length=80, blank=True, help_text="empty until Stripe has told it")
    livemode = models.BooleanField(default=False)
    bound_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(
        null=True, blank=True, help_text="when staff were last told of a wrong key"
    )
    home = models.CharField(
        max_length=200, blank=True, db_default="", help_text="the address that this house is at"
    )
    house = models.CharField(
        max_length=32, blank=True, db_default="", help_text="random: tells houses of one address apart"
    )
    count = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="raised once an hour, here first and then at Stripe"
    )
    mark = models.CharField(max_length=32, blank=True, db_default="", help_text="random, new with each count")
    counted_at = models.DateTimeField(null=True, blank=True)
    count_leased_until = models.DateTimeField(null=True, blank=True)
    standing = models.CharField(
        max_length=8, choices=Standing, blank=True, db_default="", help_text="empty until Stripe was asked"
    )
    judged_home = models.CharField(
        max_length=200, blank=True, db_default="", help_text="for which address it stands so"
    )
    judged_at = models.DateTimeField(null=True, blank=True)
    house_since = models.DateTimeField(
        null=True, blank=True, help_text="in a copy at another address: what is older is another house's"
    )

    class Meta:
        constraints = [models.CheckConstraint(name="stripe_account_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.account_id} ({'live' if self.livemode else 'test'})"
