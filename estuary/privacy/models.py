"""Erasures, pending and finished. The row is the job, and identifies later events about the person."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from estuary.accounts.models import User


class Erasure(models.Model):
    """One person's erasure; pending while ``erased_at`` is null."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="erasure")
    requested_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)
    forfeit_credits = models.BooleanField(default=False)
    # The ids of the customer, payments, payment methods and SetupIntents, which later events name.
    stripe_ids = ArrayField(models.CharField(max_length=80), default=list)

    def __str__(self) -> str:
        return f"{self.user_id}"
