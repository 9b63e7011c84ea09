"""The lease of a claimed event: its end names its owner, for as long as nobody else has claimed the event.

A try of one event alone is counted and marked when it begins, so that it is known afterwards over which one died.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from estuary.common import clock
from estuary.common.db.bulk import update_rows
from estuary.payments.models import WebhookEvent

LEASE = timedelta(minutes=1)
ATTEMPT_STARTED = "A try was begun and has not ended. "  # stands before what the error of the last one was
ERROR_MAX = 500


def if_still_leased(row: WebhookEvent) -> QuerySet[WebhookEvent]:
    """Return the event for as long as it is ours; nothing, when it is another's by now."""
    return WebhookEvent.objects.filter(pk=row.pk, status=WebhookEvent.Status.PENDING, due_at=row.due_at)


def take_lease(rows: Sequence[WebhookEvent], *, at: datetime) -> None:
    """Have nobody else claim these for a while; the caller has locked them."""
    for row in rows:
        row.due_at = at + LEASE
    update_rows(rows, ["due_at"])


def start_attempt(row: WebhookEvent) -> bool:
    """Count and mark a try, with a lease of its own, before anything can go wrong; tells whether it was still ours."""
    leased = if_still_leased(row)
    row.attempts, row.due_at = row.attempts + 1, clock.now() + LEASE
    row.error = (ATTEMPT_STARTED + row.error.removeprefix(ATTEMPT_STARTED))[:ERROR_MAX]
    return bool(leased.update(attempts=row.attempts, due_at=row.due_at, error=row.error))


def is_attempt_started(row: WebhookEvent) -> bool:
    """Tell whether a try is under way, or was when whoever was at it died."""
    return row.error.startswith(ATTEMPT_STARTED)


def release_lease(row: WebhookEvent) -> None:
    """Let any worker claim the event at once, as if it had not been claimed."""
    if_still_leased(row).update(due_at=clock.now())
