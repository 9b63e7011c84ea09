"""What settlement has written, counted once it is committed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from estuary.common import clock
from estuary.common.observability import metrics
from estuary.common.observability.counting import after_commit
from estuary.orders.models import OrderTransition
from estuary.payments.models import Refund, WebhookEvent


def transitions(rows: Iterable[OrderTransition]) -> None:
    """Count orders that have come from one state into another."""
    after_commit(metrics.TRANSITIONS, ((row.before, row.after) for row in rows))


def refunds(rows: Iterable[Refund]) -> None:
    """Count refunds that have come into the state that they are in."""
    after_commit(metrics.REFUNDS, ((row.origin, row.status) for row in rows))


def settled(rows: Sequence[WebhookEvent]) -> None:
    """Count events that are done with, and how long each took from its arrival until that is committed."""
    told = [(row.status, row.received_at) for row in rows if row.settled_at]
    transaction.on_commit(partial(_count_settled, told), robust=True)


def _count_settled(told: Iterable[tuple[str, datetime]]) -> None:
    at = clock.now()
    metrics.count_settled([(status, (at - received_at).total_seconds()) for status, received_at in told])
