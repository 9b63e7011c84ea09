"""The Stripe account that this database belongs to, and whether this database owns it."""

from django.db import models
from django.db.models import Q


class StripeAccount(models.Model):
    """The one Stripe account, in one mode, that this database belongs to.

    With a key of any other account, an object that is not found proves nothing.
    """

    class OwnerStatus(models.TextChoices):
        OWNER = "owner"
        # The Product at Stripe names another installation as the owner.
        OTHER = "other"
        # Another database at the same address has counted further.
        BEHIND = "behind"
        # The key may not read or write products.
        UNKNOWN = "untold"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    account_id = models.CharField(max_length=80, blank=True, help_text="Empty until Stripe has named it.")
    livemode = models.BooleanField(default=False)
    bound_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="When staff were told of a wrong key.")
    site_url = models.CharField(
        max_length=200, blank=True, db_default="", db_column="home", help_text="URL of this installation."
    )
    database_id = models.CharField(
        max_length=32, blank=True, db_default="", db_column="house", help_text="Random for each database."
    )
    count = models.PositiveBigIntegerField(
        default=1, db_default=1, help_text="Raised hourly, then at Stripe."
    )
    count_token = models.CharField(
        max_length=32, blank=True, db_default="", db_column="mark", help_text="Random for each count."
    )
    counted_at = models.DateTimeField(null=True, blank=True)
    count_leased_until = models.DateTimeField(null=True, blank=True)
    owner_status = models.CharField(
        max_length=8,
        choices=OwnerStatus,
        blank=True,
        db_default="",
        db_column="standing",
        help_text="Empty until it was compared with Stripe.",
    )
    owner_status_url = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        db_column="judged_home",
        help_text="The site's URL when the owner status was found.",
    )
    owner_status_checked_at = models.DateTimeField(null=True, blank=True, db_column="judged_at")
    copied_at = models.DateTimeField(
        null=True,
        blank=True,
        db_column="house_since",
        help_text="In a copy at another URL: older objects belong to the original.",
    )

    class Meta:
        constraints = [models.CheckConstraint(name="stripe_account_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.account_id} ({'live' if self.livemode else 'test'})"
