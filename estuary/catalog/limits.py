"""How much of anything staff may write into the catalogue: beyond it a number is a typo, and no date can be reckoned.

Forms and the database refuse what is beyond. Arithmetic is bounded too, as an order's snapshot is older than any rule.
"""

from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError

DURATION_MIN, DURATION_MAX = 5, 24 * 60  # minutes
FREE_CANCEL_MAX_HOURS = 366 * 24  # nobody books further ahead
VALIDITY_MAX_DAYS = 3660
BUNDLE_MAX = 100  # paid ones, and as many given on top: each is a row of its own in every order
ITEMS_MAX = 60  # services in a package
CAPACITY_MAX = 10_000
DATES_MAX = 366  # of one workshop or course
SESSION_MAX = timedelta(days=31)
# As in the API: near the ends of the calendar another time zone's date can't be reckoned.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)


def validity(days: int) -> timedelta:
    """Return for how long what was sold can be scheduled: 9,000,000 days, a typo of old, are taken for ten years."""
    return timedelta(days=min(max(days, 0), VALIDITY_MAX_DAYS))


def notice(hours: int) -> timedelta:
    """Return how long before its start a cancellation is still free; at most a year."""
    return timedelta(hours=min(max(hours, 0), FREE_CANCEL_MAX_HOURS))


def minutes(number: int) -> timedelta:
    """Return a duration, or the step from one slot to the next: at least a minute, at most a day."""
    return timedelta(minutes=min(max(number, 1), DURATION_MAX))


def subtract_notice(moment: datetime, earlier_by: timedelta) -> datetime:
    """Return an earlier moment, and never one before EARLIEST."""
    return max(moment - earlier_by, EARLIEST) if moment > EARLIEST else EARLIEST


def check_date(moment: datetime) -> None:
    """Refuse a date that nobody can mean."""
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError(f"Choose a date from {EARLIEST.year} to {LATEST.year}.")
