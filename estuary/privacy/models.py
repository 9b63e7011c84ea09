"""Who is erased, or is being erased: the row is the job, and what finds events that Stripe sends long after."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from estuary.accounts.models import User


class Erasure(models.Model):
    """One person's erasure. Without ``erased_at`` it is still to be finished, by the worker or by another run."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="erasure")
    requested_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)
    forfeit_credits = models.BooleanField(default=False)
    # The customer, its payments, cards and SetupIntents: late events name them, and nothing else here does any more.
    stripe_ids = ArrayField(models.CharField(max_length=80), default=list)

    def __str__(self) -> str:
        return f"{self.user_id}"
