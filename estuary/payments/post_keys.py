"""Idempotency keys of what may be asked of Stripe again and again, each time anew."""

from estuary.common import clock


def counted_key(stem: str, verb: str, count: int) -> str:
    """Return the key of the ``count``-th POST of its kind, a count that was committed before.

    The time is in it because a restored backup counts again from where it was, and meets no older key that way.
    """
    return f"{stem}-{verb}-{count}-{clock.now():%Y%m%d%H%M%S}"
