"""The lease of a claimed event: its end names its owner, for as long as nobody else has claimed the event."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from estuary.common import clock
from estuary.common.rows import update_rows
from estuary.payments.models import WebhookEvent

LEASE = timedelta(minutes=1)


def held(row: WebhookEvent) -> QuerySet[WebhookEvent]:
    """Return the event for as long as it is ours; nothing, when it is another's by now."""
    return WebhookEvent.objects.filter(pk=row.pk, status=WebhookEvent.Status.PENDING, due_at=row.due_at)


def take(rows: Sequence[WebhookEvent], *, at: datetime) -> None:
    """Have nobody else claim these for a while; the caller has locked them."""
    for row in rows:
        row.due_at = at + LEASE
    update_rows(rows, ["due_at", "attempts"])


def renew(row: WebhookEvent) -> bool:
    """Begin the lease anew before a call that takes time; tells whether it was still ours."""
    ours, row.due_at = held(row), clock.now() + LEASE
    return bool(ours.update(due_at=row.due_at))


def give_back(row: WebhookEvent) -> None:
    """Let any worker claim the event at once, as if it had not been claimed."""
    held(row).update(due_at=clock.now(), attempts=F("attempts") - 1)
