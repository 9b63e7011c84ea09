"""The lease of a claimed event: its end names its owner, for as long as nobody else has claimed the event."""

from datetime import timedelta

from django.db.models import F, QuerySet

from estuary.common import clock
from estuary.payments.models import WebhookEvent

LEASE = timedelta(minutes=1)


def held(row: WebhookEvent) -> QuerySet[WebhookEvent]:
    """Return the event for as long as it is ours; nothing, when it is another's by now."""
    return WebhookEvent.objects.filter(pk=row.pk, status=WebhookEvent.Status.PENDING, due_at=row.due_at)


def renew(row: WebhookEvent) -> bool:
    """Begin the lease anew before a call that takes time; tells whether it was still ours."""
    ours, row.due_at = held(row), clock.now() + LEASE
    return bool(ours.update(due_at=row.due_at))


def give_back(row: WebhookEvent) -> None:
    """Let any worker claim the event at once, as if it had not been claimed."""
    held(row).update(due_at=clock.now(), attempts=F("attempts") - 1)
