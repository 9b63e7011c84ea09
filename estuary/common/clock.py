"""The clock of the application: tests and simulations replace it here.

No business rule calls the database's ``now()`` or ``datetime.now()`` directly.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def parse_iso(text: str) -> datetime:
    """Return the aware UTC moment that an ISO 8601 text names; raises ValueError for one without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} does not say its offset from UTC")
    return moment.astimezone(UTC)


def from_timestamp(seconds: int) -> datetime:
    """Return the aware UTC moment of a Unix timestamp in seconds, as Stripe sends them."""
    return datetime.fromtimestamp(seconds, UTC)
