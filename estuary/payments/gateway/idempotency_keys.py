"""Idempotency keys of requests that are sent to Stripe repeatedly, each time as a new request."""

from datetime import datetime, timedelta

from django.db.models import F, Model

from estuary.common import clock

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


def is_request_over(requested_at: datetime | None) -> bool:
    """Return whether Stripe is done with a request sent then, whether or not its answer arrived."""
    return requested_at is None or requested_at < clock.now() - STRIPE_REQUEST_MAX_AGE
