"""Idempotency keys of what may be asked of Stripe again and again, each time anew."""

from datetime import datetime, timedelta

from django.db.models import F, Model

from estuary.common import clock


def next_sequence(row: Model) -> None:
    """Count one more POST in ``row.posts`` and commit it; of two that count at once, no two get the same number."""
    row.posts = F("posts") + 1  # type: ignore[attr-defined]
    row.save(update_fields=["posts"])  # one statement counts and returns


def sequence_key(prefix: str, verb: str, count: int) -> str:
    """Return the key of the ``count``-th POST of its kind, a count that was committed before.

    The time is in it because a restored backup counts again from where it was, and meets no older key that way.
    """
    return f"{prefix}-{verb}-{count}-{clock.now():%Y%m%d%H%M%S}"


MAX_CLOCK_SKEW = timedelta(minutes=5)  # Stripe's and ours, at most

STRIPE_REQUEST_MAX_AGE = timedelta(minutes=2)  # Stripe drops a request long before that

KEY_LIFE = timedelta(hours=23)  # Stripe forgets an idempotency key after a day


def is_request_over(asked_at: datetime | None) -> bool:
    """Tell whether Stripe is done with a POST that was sent then, whether or not its answer came."""
    return asked_at is None or asked_at < clock.now() - STRIPE_REQUEST_MAX_AGE
