"""Idempotency keys of requests that are sent to Stripe repeatedly, each time as a new request."""

from datetime import datetime, timedelta

from django.db.models import F, Model, QuerySet

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import Refund

# Between Stripe's clock and ours.
MAX_CLOCK_SKEW = timedelta(minutes=5)

# Stripe drops a request long before that.
STRIPE_REQUEST_MAX_AGE = timedelta(minutes=2)

# Stripe forgets an idempotency key after a day.
KEY_LIFE = timedelta(hours=23)


def next_sequence(row: Model) -> None:
    """Increment ``row.idempotency_sequence`` and commit it; concurrent increments get different numbers."""
    row.idempotency_sequence = F("idempotency_sequence") + 1  # type: ignore[attr-defined]
    # One statement increments and returns.
    row.save(update_fields=["idempotency_sequence"])


def sequence_key(prefix: str, verb: str, count: int) -> str:
    """Return the key of the ``count``-th request of its kind; ``count`` was committed before.

    The key contains the time. A restored backup counts from an earlier number again, and must not reuse an older key.
    """
    return f"{prefix}-{verb}-{count}-{clock.now():%Y%m%d%H%M%S}"


def key_period(created: int) -> int:
    """Return a part of a key about an object at Stripe, created then, that changes every two minutes.

    Stripe repeats a failure under its key for a day.
    """
    return int((clock.now() - clock.from_timestamp(created)) / STRIPE_REQUEST_MAX_AGE)


def is_request_over(requested_at: datetime | None) -> bool:
    """Return whether Stripe is done with a request sent then, whether or not its answer arrived."""
    return requested_at is None or requested_at < clock.now() - STRIPE_REQUEST_MAX_AGE


def if_unchanged[Row: (Order, Refund)](row: Row) -> QuerySet[Row]:
    """Return a query for the row, which finds nothing once another process has sent a request since it was read."""
    rows: QuerySet[Row] = type(row)._default_manager.filter(pk=row.pk)
    return rows.filter(attempt=row.attempt, requested_at=row.requested_at)


def rotate_key[Row: (Order, Refund)](row: Row) -> None:
    """Give the next request a new key, unless another process has sent one under this key meanwhile."""
    if if_unchanged(row).update(attempt=row.attempt + 1, requested_at=None):
        row.attempt, row.requested_at = row.attempt + 1, None


def end_failed_request[Row: (Order, Refund)](row: Row, previous_requested_at: datetime | None) -> None:
    """Give the next request a new key after a failure, which Stripe repeats under the old key for a day.

    The key stays while an earlier request, whose answer nobody has, may still be processed. Example: two tabs send the
    same request at 12:00:00. The first gets no answer; the second gets a failure at 12:00:05, and nothing is found at
    Stripe. Stripe may still process the first request, so the key stays until 12:02:00.
    """
    if is_request_over(previous_requested_at):
        rotate_key(row)
    elif if_unchanged(row).update(requested_at=previous_requested_at):
        row.requested_at = previous_requested_at
