"""Credits: one account per user and currency, and an append-only ledger."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from estuary.common import clock
from estuary.orders.models import Order

NOTE_MAX = 200


class CreditAccount(models.Model):
    """The balance of a user in one currency, stored so that reading it needs no sum. It is negative after a claw-back.

    ``frozen_minor`` is the part of the balance that an open dispute may take back; it can't be spent.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="credit_accounts", db_index=False
    )
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(default=0, editable=False)
    frozen_minor = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "currency"], name="credit_account_once"),
            models.CheckConstraint(name="credit_frozen_not_negative", condition=Q(frozen_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.balance_minor} {self.currency} of {self.user_id}"

    @property
    def spendable_minor(self) -> int:
        """Return what can be spent, in minor units, never below zero: balance 50, frozen 20 -> 30."""
        return max(self.balance_minor - self.frozen_minor, 0)


class CreditTransaction(models.Model):
    """One ledger row with a signed amount in minor units; never changed, never deleted."""

    class Kind(models.TextChoices):
        PURCHASE = "purchase"
        SPEND = "spend"
        REFUND = "refund"
        ADJUSTMENT = "adjustment"

    account = models.ForeignKey(
        CreditAccount, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kind)
    amount_minor = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField()
    order = models.ForeignKey(
        Order,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="credit_transactions",
        db_index=False,
    )
    effect = models.CharField(max_length=64, help_text="Names one event in the order's life.")
    note = models.CharField(max_length=NOTE_MAX, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "effect"],
                condition=Q(order__isnull=False),
                name="credit_effect_once_per_order",
            ),
            models.CheckConstraint(name="credit_amount_not_zero", condition=~Q(amount_minor=0)),
            models.CheckConstraint(
                name="credit_sign_fits_kind",
                condition=(Q(kind="purchase") & Q(amount_minor__gt=0))
                | (Q(kind="spend") & Q(amount_minor__lt=0))
                | Q(kind__in=["refund", "adjustment"]),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="credit_by_account"),
            # For exports, which read on from the last row of a batch.
            models.Index(fields=["created_at", "id"], name="credit_by_time"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor:+d}"
