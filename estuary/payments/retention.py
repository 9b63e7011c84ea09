"""What is forgotten, and when: what only helped to do the work. Money, and all that explains it, is kept for good.

Orders, their transitions, the ledger, refunds, disputes and bookings are never deleted: accounts must be kept for
years, and the doctor holds them against Stripe. docs/scaling.md says what each table comes to.
"""

from datetime import timedelta
from importlib import import_module

from django.conf import settings

from estuary.common import clock
from estuary.payments.models import WebhookEvent

BATCH = (
    5_000  # rows in one transaction, so that no lock and no backlog of vacuum grows with what is forgotten
)


def forget_old_events() -> int:
    """Delete events that were settled, or were of no concern, long ago; returns how many.

    Stripe keeps its own for thirty days. One that came again after that would be settled again, which does no harm.
    Dead ones wait for staff, however long.
    """
    before = clock.now() - timedelta(days=settings.EVENTS_KEPT_DAYS)
    over = [WebhookEvent.Status.DONE, WebhookEvent.Status.IGNORED]
    old = WebhookEvent.objects.filter(received_at__lt=before, status__in=over).order_by()
    forgotten = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        forgotten += WebhookEvent.objects.filter(pk__in=ids).delete()[0]
    return forgotten


def forget_old_sessions() -> None:
    """Delete sign-ins that are over."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
