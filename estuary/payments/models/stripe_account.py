"""The Stripe account: whose it is, how far its lists have been read, and payments there without an order here."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from estuary.common import clock
from estuary.common.origins import origin_of


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

    @classmethod
    def find_copy(cls) -> Self | None:
        """Return the row if this database is a copy of another installation's, as its URL tells; None if it is not."""
        return cls.objects.filter(pk=1).exclude(site_url__in=["", origin_of(settings.FRONTEND_URL)]).first()

    def belongs_to_original(self, created_at: datetime) -> bool:
        """Return whether what was created then is the original's; asked of a copy's row."""
        return self.copied_at is None or created_at < self.copied_at


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
