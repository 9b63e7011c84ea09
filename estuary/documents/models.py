"""Receipts and credit notes: what was issued stays as it is, and each series of numbers has no gaps."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import F, Q

from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.models.customers import describe_method

# An erasure empties what the law does not keep (privacy/personal_data.py); nothing else changes a row.
FROZEN = [
    pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
]


class Series(models.TextChoices):
    RECEIPT = "receipt"
    CREDIT_NOTE = "credit_note"


PREFIXES = {Series.RECEIPT: "R", Series.CREDIT_NOTE: "CN"}


def number_of(series: Series, year: int, sequence: int) -> str:
    """Return a number as it is printed, such as ``R-2026-000042``."""
    return f"{PREFIXES[series]}-{year}-{sequence:06}"


class NumberCounter(models.Model):
    """The last number of a seller's series in a year. Its lock is held while numbers are given."""

    seller = models.CharField(max_length=64)
    series = models.CharField(max_length=16, choices=Series)
    year = models.PositiveSmallIntegerField()
    last_sequence = models.PositiveBigIntegerField(default=0)
    last_issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "series", "year"], name="number_counter_once"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="only_forward",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__last_sequence__lt=pgtrigger.F("old__last_sequence")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller} {number_of(Series(self.series), self.year, self.last_sequence)}"


class IssuedDocument(models.Model):
    """What receipts and credit notes share: a number, who sold to whom, and the tax. Minor units of ``currency``."""

    seller = models.CharField(max_length=64, help_text="Whose series of numbers it is.")
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveBigIntegerField()
    number = models.CharField(max_length=40)
    issued_at = models.DateTimeField()
    issued_on = models.DateField(help_text="The day where the seller is.")

    seller_name = models.CharField(max_length=200)
    seller_address = models.TextField(blank=True)
    seller_country = models.CharField(max_length=2, blank=True)
    seller_tax_id = models.CharField(max_length=64, blank=True)
    seller_email = models.CharField(max_length=254, blank=True)
    seller_time_zone = models.CharField(max_length=64)
    buyer_name = models.CharField(max_length=310, blank=True)
    buyer_address = models.TextField(blank=True)
    buyer_email = models.CharField(max_length=254, blank=True)

    currency = models.CharField(max_length=3)
    lines = models.JSONField(default=list, help_text="Description, quantity, amount and dates of each.")
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3)
    tax_label = models.CharField(max_length=32, blank=True)
    tax_note = models.CharField(max_length=200, blank=True, help_text="Shown where no tax is.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number


class Receipt(IssuedDocument):
    """The receipt of a paid order; what it says is what was true when it was issued."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="receipt")
    paid_at = models.DateTimeField(help_text="When the order was paid; numbers follow it.")
    total_minor = models.PositiveBigIntegerField()
    credits_minor = models.PositiveBigIntegerField()
    charged_minor = models.PositiveBigIntegerField()
    method_type = models.CharField(max_length=40, blank=True, help_text="Stripe's word, such as card.")
    method_brand = models.CharField(max_length=40, blank=True)
    method_last4 = models.CharField(max_length=4, blank=True)
    taxable_minor = models.PositiveBigIntegerField(help_text="The part of the total that the tax is in.")
    tax_minor = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "year", "sequence"], name="receipt_sequence_once"),
            models.UniqueConstraint(fields=["number", "seller"], name="receipt_number_once"),
            models.CheckConstraint(
                name="receipt_total_is_credits_and_charge",
                condition=Q(total_minor=F("credits_minor") + F("charged_minor")),
            ),
            models.CheckConstraint(
                name="receipt_tax_within_total",
                condition=Q(tax_minor__lte=F("taxable_minor"), taxable_minor__lte=F("total_minor")),
            ),
        ]
        triggers = FROZEN

    @property
    def method(self) -> str:
        """How the charged part was paid, such as ``Visa •••• 4242``."""
        return describe_method(self.method_type, self.method_brand, self.method_last4)


class CreditNote(IssuedDocument):
    """What was returned of a receipt: the difference between a refund and what its earlier notes say.

    A refund that succeeds has one. A refund of 30.00 that the bank returns later gets a second one, of -30.00.
    """

    receipt = models.ForeignKey(
        Receipt, on_delete=models.PROTECT, related_name="credit_notes", db_index=False
    )
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="credit_notes", db_index=False)
    revision = models.PositiveSmallIntegerField(help_text="Counts the notes of the refund, from 1.")
    refunded_at = models.DateTimeField(help_text="When the refund last changed.")
    charged_minor = models.BigIntegerField(help_text="What went back the way it was paid.")
    credits_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "year", "sequence"], name="credit_note_sequence_once"),
            models.UniqueConstraint(fields=["number", "seller"], name="credit_note_number_once"),
            models.UniqueConstraint(fields=["refund", "revision"], name="credit_note_revision_once"),
            models.CheckConstraint(
                name="credit_note_not_empty", condition=~Q(charged_minor=0) | ~Q(credits_minor=0)
            ),
        ]
        indexes = [models.Index(fields=["receipt"], name="credit_note_by_receipt")]
        triggers = FROZEN

    @property
    def total_minor(self) -> int:
        return self.charged_minor + self.credits_minor


type Line = dict[str, Any]
