"""Retention: what is deleted, and when. Only working data is deleted; money and its records are kept for good.

Orders, their transitions, the ledger, refunds, disputes and bookings are never deleted. The law requires accounts to
be kept for years, and the doctor compares them with Stripe. The periods are settings, of config/environment.py.
Holds, idempotency keys, SetupIntents and rate-limit counters are deleted by their own modules.
docs/scaling.md has the size of each table.
"""

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.db import connection

from estuary.common import clock
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.db.transactions import execute
from estuary.payments.models import SentMail, WebhookEvent

# A job's last event has the time of its end. Deleting a job deletes its events.
FAILED_JOBS = """
DELETE FROM procrastinate_jobs WHERE status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS (
    SELECT FROM procrastinate_events WHERE job_id = procrastinate_jobs.id AND at >= %s)"""


def delete_old_events() -> int:
    """Delete events that were settled or ignored long ago; returns how many.

    Stripe keeps events for thirty days. An event delivered again after its deletion is settled again, which does no
    harm. Dead events are kept longer, for staff.
    """
    before = clock.now() - timedelta(days=settings.EVENTS_KEPT_DAYS)
    over = [WebhookEvent.Status.DONE, WebhookEvent.Status.IGNORED]
    return delete_in_batches(WebhookEvent.objects.filter(received_at__lt=before, status__in=over))


def delete_dead_events() -> int:
    """Delete dead events that nobody has replayed for very long; returns how many."""
    before = clock.now() - timedelta(days=settings.DEAD_EVENTS_KEPT_DAYS)
    return delete_in_batches(
        WebhookEvent.objects.filter(received_at__lt=before, status=WebhookEvent.Status.DEAD)
    )


def delete_failed_jobs() -> int:
    """Delete jobs that failed long ago; returns how many. Rows, not jobs, record what is still to do."""
    return execute(FAILED_JOBS, [clock.now() - timedelta(days=settings.FAILED_JOBS_KEPT_DAYS)])


def delete_old_mails() -> int:
    """Delete the records of old mails, which have addresses; returns how many.

    What tells of a time that is still to come is kept: it says what was told of it already.
    """
    before, at = clock.now() - timedelta(days=settings.MAILS_KEPT_DAYS), clock.now()
    old = SentMail.objects.filter(created_at__lt=before).exclude(starts_at__gt=at)
    return delete_in_batches(old)


def delete_expired_cache() -> int:
    """Delete expired entries of database caches; Django deletes them only when a cache is full."""
    deleted = 0
    for cache in settings.CACHES.values():
        if cache["BACKEND"].endswith(("DatabaseCache", "CounterStore")):
            table = connection.ops.quote_name(cache["LOCATION"])
            deleted += execute(f"DELETE FROM {table} WHERE expires < %s", [clock.now()])  # noqa: S608 (ours)
    return deleted


def delete_unsent_account_mails() -> int:
    """Delete jobs of account mails that failed for days: they contain addresses. Returns how many."""
    # procrastinate's own models may only be read.
    return execute(
        "DELETE FROM procrastinate_jobs WHERE status = 'failed' AND task_name = 'payments.send_account_mail'",
        [],
    )


def delete_old_sessions() -> int:
    """Delete expired sign-in sessions; returns how many."""
    sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    return delete_in_batches(sessions.objects.filter(expire_date__lt=clock.now()))
