"""Upper limits for numbers and dates in the catalogue: a larger value is a typo, and dates would overflow.

Forms and the database reject larger values. The functions here cap values too, because an order's snapshot may be older
than a limit.
"""

from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError

DURATION_MIN, DURATION_MAX = 5, 24 * 60  # minutes
# Nobody plans further ahead, and dates near year 9999 overflow.
HORIZON = timedelta(days=366)
FREE_CANCEL_MAX_HOURS = 366 * 24
VALIDITY_MAX_DAYS = 3660
MOVES_MAX = 20  # of one booking
MOVES_DEFAULT = 2
REMINDER_MAX_HOURS = 14 * 24
# Paid sessions, and as many bonus sessions: each is a row in every order.
BUNDLE_MAX = 100
ITEMS_MAX = 60  # services in a package
CAPACITY_MAX = 10_000
DATES_MAX = 366  # of one workshop or course
WINDOWS_MAX = 8  # of one day
EXCEPTIONS_MAX = 100  # days with other hours that a practitioner has ahead
SESSION_MAX = timedelta(days=31)
# As in the API: near year 1 and year 9999, a conversion to another time zone overflows.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)


def validity(days: int) -> timedelta:
    """Return how long a purchase can be scheduled, at most ten years: an old typo of 9,000,000 days counts as 3,660."""
    return timedelta(days=min(max(days, 0), VALIDITY_MAX_DAYS))


def notice(hours: int) -> timedelta:
    """Return how long before the start cancellation is free, at most a year."""
    return timedelta(hours=min(max(hours, 0), FREE_CANCEL_MAX_HOURS))


def minutes(number: int) -> timedelta:
    """Return a duration, or the step from one slot to the next: at least a minute, at most a day."""
    return timedelta(minutes=min(max(number, 1), DURATION_MAX))


def subtract_notice(moment: datetime, earlier_by: timedelta) -> datetime:
    """Return the moment that is ``earlier_by`` before, but not before EARLIEST."""
    return max(moment - earlier_by, EARLIEST) if moment > EARLIEST else EARLIEST


def check_date(moment: datetime) -> None:
    """Reject a date outside EARLIEST to LATEST."""
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError(f"Choose a date from {EARLIEST.year} to {LATEST.year}.")
