"""All about a practitioner's hours on one page: the week, dates with other hours, days off, bookings outside them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from estuary.accounts.models import Practitioner
from estuary.bookings.date_changes.closed_time import closed_ranges
from estuary.bookings.models import ACTIVE, Booking
from estuary.catalog.availability import is_within_hours
from estuary.catalog.hours.change import own_hours
from estuary.catalog.hours.opening_hours import WEEKDAYS, OpeningHours
from estuary.catalog.hours.windows import Window
from estuary.catalog.models import ServiceType
from estuary.common import clock

OUTSIDE_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Weekday:
    """A weekday, 0 for Monday, with its windows."""

    weekday: int
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A date with windows of its own, or with none."""

    day: date
    windows: list[Window]
    version: str


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Days that are closed for bookings, both included; ``starts_at`` and ``ends_at`` are the closed time.

    ``start_time`` on the first day and ``end_time`` on the last one are None if all of that day is closed.
    """

    first_day: date
    last_day: date
    starts_at: datetime
    ends_at: datetime
    start_time: time | None
    end_time: time | None


@dataclass(frozen=True, slots=True)
class Outside:
    """Bookings to come that no window holds. They stand: the soonest are listed, and all are counted."""

    count: int
    bookings: list[Booking]


@dataclass(frozen=True, slots=True)
class HoursOverview:
    time_zone: str
    version: str
    week: list[Weekday]
    exceptions: list[ExceptionDay]
    days_off: list[DaysOff]
    outside: Outside


def hours_overview(practitioner: Practitioner) -> HoursOverview:
    """Return a practitioner's hours from today on, in three queries."""
    hours = own_hours(practitioner)
    return HoursOverview(
        time_zone=practitioner.time_zone,
        version=hours.week_version,
        week=[Weekday(day, sorted(hours.weekly.get(day, []))) for day in WEEKDAYS],
        exceptions=[
            ExceptionDay(day, sorted(windows), hours.exception_version(day))
            for day, windows in sorted(hours.exceptions.items())
        ],
        days_off=_days_off(practitioner),
        outside=_outside(practitioner, hours),
    )


def _days_off(practitioner: Practitioner) -> list[DaysOff]:
    ranges = closed_ranges(practitioner.pk, after=clock.now())
    return [_days_off_of(begin, end, practitioner.zone) for begin, end in ranges]


def _days_off_of(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> DaysOff:
    begin, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    return DaysOff(
        first_day=begin.date(),
        last_day=(ends_at - timedelta(microseconds=1)).astimezone(zone).date(),
        starts_at=starts_at,
        ends_at=ends_at,
        # Days that are closed from this moment on begin within a minute.
        start_time=_time_of(begin),
        end_time=_time_of(end),
    )


def _time_of(moment: datetime) -> time | None:
    """Return the hour and minute of a moment; None at midnight, where a day begins and ends."""
    at = moment.time().replace(second=0, microsecond=0)
    return None if at == time.min else at


def _outside(practitioner: Practitioner, hours: OpeningHours) -> Outside:
    upcoming = (
        Booking.objects.filter(
            practitioner=practitioner,
            service_type=ServiceType.SESSION,
            status__in=ACTIVE,
            starts_at__gt=clock.now(),
        )
        .select_related("user")
        .order_by("starts_at", "id")
    )
    outside = [
        booking
        for booking in upcoming
        if booking.starts_at
        and booking.ends_at
        and not is_within_hours(hours, booking.starts_at, booking.ends_at)
    ]
    return Outside(len(outside), outside[:OUTSIDE_SHOWN])
