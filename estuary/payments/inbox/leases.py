"""Leases of claimed events: the end of a lease (``due_at``) names its owner until another worker claims the event.

An attempt at a single event is counted, and its start recorded, before anything can fail. When it ends, it erases
``attempt_started_at``. So an event that still has one is the event over which a process has died, or is at work.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from estuary.common import clock
from estuary.common.db.bulk import update_rows
from estuary.payments.models import WebhookEvent

LEASE = timedelta(minutes=1)
ERROR_MAX = 500


def if_still_leased(row: WebhookEvent) -> QuerySet[WebhookEvent]:
    """Return a queryset with the event while our lease holds; an empty one once another worker has claimed it."""
    return WebhookEvent.objects.filter(pk=row.pk, status=WebhookEvent.Status.PENDING, due_at=row.due_at)


def take_lease(rows: Sequence[WebhookEvent], *, at: datetime) -> None:
    """Lease events, so that no other worker claims them for a minute; the caller has locked their rows."""
    for row in rows:
        row.due_at = at + LEASE
    update_rows(rows, ["due_at"])


def start_attempt(row: WebhookEvent) -> bool:
    """Count and mark an attempt, with a new lease, before anything can fail; False when the event is no longer ours."""
    leased, at = if_still_leased(row), clock.now()
    row.attempts, row.attempt_started_at, row.due_at = row.attempts + 1, at, at + LEASE
    return bool(leased.update(attempts=row.attempts, attempt_started_at=at, due_at=row.due_at))


def release_lease(row: WebhookEvent) -> None:
    """Give up a lease: any worker may claim the event at once."""
    if_still_leased(row).update(due_at=clock.now())


CLAIM = """
    WITH due AS MATERIALIZED (
      SELECT id FROM payments_webhookevent WHERE status = 'pending' AND due_at <= %(at)s
        AND id = coalesce(%(only)s::bigint, id)
      ORDER BY due_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE payments_webhookevent event SET due_at = %(until)s FROM due WHERE event.id = due.id RETURNING event.*"""


def claim_events(limit: int, *, only: int | None = None) -> list[WebhookEvent]:
    """Lease due events in one statement, ``only`` or the oldest; those over which a process has died come last."""
    at = clock.now()
    claimed = WebhookEvent.objects.raw(CLAIM, {"at": at, "until": at + LEASE, "limit": limit, "only": only})
    return sorted(claimed, key=lambda row: (row.attempt_started_at is not None, row.pk))
