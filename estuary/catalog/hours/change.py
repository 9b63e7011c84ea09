"""A practitioner changes the own hours. Bookings that exist stay as they are, whatever the hours become."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta

from django.db import transaction

from estuary.accounts.models import Practitioner, User
from estuary.accounts.staff import audit
from estuary.catalog.bounds import EXCEPTIONS_MAX, HORIZON
from estuary.catalog.hours.opening_hours import WEEKDAYS, OpeningHours, read_opening_hours
from estuary.catalog.hours.windows import InvalidHours, Window, check_windows, describe_windows
from estuary.catalog.models import Availability, AvailabilityException
from estuary.common import clock
from estuary.common.english_times import write_short_date
from estuary.common.errors import Conflict

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class HoursChanged(Conflict):
    code, title = "hours_changed", "The hours were changed meanwhile"


class TooManyExceptions(Conflict):
    code, title = "too_many_exceptions", "Too many days have other hours"


def own_hours(practitioner: Practitioner) -> OpeningHours:
    """Return a practitioner's hours, with all exceptions from today on."""
    today = local_today(practitioner)
    hours = read_opening_hours([practitioner.pk], first_day=today, last_day=today + HORIZON)
    return hours.get(practitioner.pk) or OpeningHours(practitioner.zone)


def local_today(practitioner: Practitioner) -> date:
    return clock.now().astimezone(practitioner.zone).date()


def replace_week(
    practitioner: Practitioner, week: Mapping[int, Sequence[Window]], *, version: str, by: User
) -> None:
    """Replace all weekly windows in one act; a weekday that is not named has none from now on.

    Raises InvalidHours, or HoursChanged when the hours are not those of ``version`` any more.
    """
    checked = {day: check_windows(windows, day=WEEKDAY_NAMES[day]) for day, windows in week.items()}
    with transaction.atomic():
        _lock(practitioner)
        hours = own_hours(practitioner)
        _check_version(hours.week_version, version)
        for day in WEEKDAYS:
            before, after = sorted(hours.weekly.get(day, [])), checked.get(day, [])
            if before != after:
                Availability.objects.filter(practitioner=practitioner, weekday=day).delete()
                Availability.objects.bulk_create(
                    Availability(practitioner=practitioner, weekday=day, starts=one.starts, ends=one.ends)
                    for one in after
                )
                _record(by, practitioner, WEEKDAY_NAMES[day], before, after)


def replace_exception(
    practitioner: Practitioner, day: date, windows: Sequence[Window], *, version: str, by: User
) -> None:
    """Give a date hours of its own in place of the weekly ones; without windows nobody can be booked on it.

    ``version`` is that of the date's own windows, empty for a date that has none. Raises InvalidHours, HoursChanged or
    TooManyExceptions.
    """
    _check_day(practitioner, day)
    checked = check_windows(windows, day=write_short_date(day))
    with transaction.atomic():
        _lock(practitioner)
        hours = own_hours(practitioner)
        _check_version(hours.exception_version(day), version)
        if day not in hours.exceptions and len(hours.exceptions) >= EXCEPTIONS_MAX:
            raise TooManyExceptions(
                f"{EXCEPTIONS_MAX} days to come have other hours already. Remove one, or change your weekly hours."
            )
        own_rows = AvailabilityException.objects.filter(practitioner=practitioner)
        own_rows.filter(day=day).delete()
        times: list[tuple[time | None, time | None]] = [(one.starts, one.ends) for one in checked]
        AvailabilityException.objects.bulk_create(
            AvailabilityException(practitioner=practitioner, day=day, starts=starts, ends=ends)
            for starts, ends in times or [(None, None)]
        )
        _record(by, practitioner, f"{day:%d %b %Y}", sorted(hours.windows_on(day)), checked)


def remove_exception(practitioner: Practitioner, day: date, *, by: User) -> None:
    """Give a date its weekly hours back; a date that has them already stays as it is."""
    _check_day(practitioner, day)
    with transaction.atomic():
        _lock(practitioner)
        hours = own_hours(practitioner)
        if day in hours.exceptions:
            AvailabilityException.objects.filter(practitioner=practitioner, day=day).delete()
            before, after = sorted(hours.exceptions[day]), sorted(hours.weekly.get(day.weekday(), []))
            _record(by, practitioner, f"{day:%d %b %Y}", before, after)


def _lock(practitioner: Practitioner) -> None:
    """Lock the profile, as the admin does when it saves hours: of two changes at once, one sees the other."""
    Practitioner.objects.select_for_update(no_key=True).get(pk=practitioner.pk)


def _check_version(current: str, version: str) -> None:
    if current != version:
        raise HoursChanged(
            "These hours were changed since you read them, here or in another window. "
            "Nothing was saved. Look at them again, then make your change."
        )


def _check_day(practitioner: Practitioner, day: date) -> None:
    today = local_today(practitioner)
    if day < today:
        raise InvalidHours("That day is over. Choose today or a day to come.")
    if day > today + timedelta(days=HORIZON.days):
        raise InvalidHours(f"Choose a day within {HORIZON.days} days of today.")


def _record(
    by: User, practitioner: Practitioner, day: str, before: Sequence[Window], after: Sequence[Window]
) -> None:
    text = f"Changed the hours of {day}: {describe_windows(before)} → {describe_windows(after)}"
    audit.record(by, practitioner, text)
