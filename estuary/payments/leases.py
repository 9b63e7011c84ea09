"""The lease of a claimed event, given back by a worker that has been told to stop before it came to it."""

from django.db.models import F

from estuary.common import clock
from estuary.payments.models import WebhookEvent


def give_back(row: WebhookEvent) -> None:
    """Let any worker claim the event at once, as if it had not been claimed; nothing, when it is another's by now."""
    ours = WebhookEvent.objects.filter(pk=row.pk, status=WebhookEvent.Status.PENDING, due_at=row.due_at)
    ours.update(due_at=clock.now(), attempts=F("attempts") - 1)
