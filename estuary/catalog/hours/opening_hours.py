"""A practitioner's hours, as the database has them: read in one query, for any number of practitioners."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import DateField, SmallIntegerField, Value

from estuary.catalog.hours.windows import Window, version_of
from estuary.catalog.models import Availability, AvailabilityException

WEEKDAYS = range(7)


@dataclass(slots=True)
class OpeningHours:
    """The weekly windows of a practitioner, and the windows of dates that have their own."""

    zone: ZoneInfo
    weekly: dict[int, list[Window]] = field(default_factory=dict)
    exceptions: dict[date, list[Window]] = field(default_factory=dict)

    def windows_on(self, day: date) -> Sequence[Window]:
        """Return the windows of a date: its own, else those of its weekday."""
        if day in self.exceptions:
            return self.exceptions[day]
        return self.weekly.get(day.weekday(), ())

    @property
    def week_version(self) -> str:
        return version_of(self.weekly.items())

    def exception_version(self, day: date) -> str:
        """Return the version of a date's own windows; empty without an exception."""
        if day not in self.exceptions:
            return ""
        return version_of([(0, self.exceptions[day])])


def read_opening_hours(
    practitioner_ids: Collection[int], *, first_day: date, last_day: date
) -> dict[int, OpeningHours]:
    """Return the hours of practitioners, with exceptions between two days, both included, in one query.

    Who has no hours at all is left out.
    """
    weekly = Availability.objects.filter(practitioner_id__in=practitioner_ids).order_by()
    exceptions = AvailabilityException.objects.filter(
        practitioner_id__in=practitioner_ids, day__range=(first_day, last_day)
    ).order_by()
    whose = ("practitioner_id", "practitioner__time_zone")
    no_day, no_weekday = Value(None, DateField()), Value(None, SmallIntegerField())
    rows = weekly.values_list(*whose, "weekday", no_day, "starts", "ends").union(
        exceptions.values_list(*whose, no_weekday, "day", "starts", "ends"), all=True
    )
    hours_by_practitioner: dict[int, OpeningHours] = {}
    for practitioner_id, zone, weekday, day, starts, ends in rows.order_by():
        hours = hours_by_practitioner.setdefault(practitioner_id, OpeningHours(ZoneInfo(zone)))
        windows = hours.exceptions.setdefault(day, []) if day else hours.weekly.setdefault(weekday, [])
        if starts is not None:
            windows.append(Window(starts, ends))
    return hours_by_practitioner


def days_around(first: date, last: date) -> dict[str, date]:
    """Return the local days that two days in UTC may be, anywhere on Earth."""
    return {"first_day": first - timedelta(days=1), "last_day": last + timedelta(days=1)}
