"""Days and times in American English, as the storefront writes them where a browser names no other English.

See frontend/src/lib/locale.ts and time.ts. The admin has a format of its own.
"""

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

NOON_H = 12


def write_date(day: date) -> str:
    """Return a day without its weekday: ``December 4, 2026``."""
    return f"{day:%B} {day.day}, {day.year}"


def write_short_date(day: date) -> str:
    """Return a day without its weekday: ``Dec 4, 2026``."""
    return f"{day:%b} {day.day}, {day.year}"


def write_day(day: date) -> str:
    """Return ``Friday, December 4, 2026``."""
    return f"{day:%A}, {write_date(day)}"


def write_short_day(day: date) -> str:
    """Return ``Fri, Dec 4, 2026``."""
    return f"{day:%a}, {write_short_date(day)}"


def write_hour(at: datetime | time) -> str:
    """Return a time of the day: ``2:00 PM``."""
    return f"{at.hour % NOON_H or NOON_H}:{at:%M} {'AM' if at.hour < NOON_H else 'PM'}"


def describe_day(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day of a moment in a zone: ``Friday, December 4, 2026``."""
    return write_day(moment.astimezone(zone))


def describe_moment(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``Friday, December 4, 2026, 2:00 PM CET (Europe/Berlin)``."""
    return f"{describe_day(moment, zone)}, {write_hour(moment.astimezone(zone))} {_zone_name(moment, zone)}"


def describe_time(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """Return ``Friday, December 4, 2026, 2:00 PM – 4:00 PM CET (Europe/Berlin)``."""
    begins, ends = starts_at.astimezone(zone), ends_at.astimezone(zone)
    last_day = "" if begins.date() == ends.date() else f"{write_day(ends)}, "
    span = f"{write_hour(begins)} – {last_day}{write_hour(ends)}"
    return f"{write_day(begins)}, {span} {_zone_name(ends_at, zone)}"


def describe_short_moment(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``Fri, Dec 4, 2026, 2:00 PM (Europe/Berlin)``."""
    local = moment.astimezone(zone)
    return f"{write_short_day(local)}, {write_hour(local)} ({describe_place(zone)})"


def describe_utc(moment: datetime) -> str:
    """Return ``December 4, 2026, 1:00 PM UTC``, for what has no zone of its own."""
    utc = moment.astimezone(UTC)
    return f"{write_date(utc)}, {write_hour(utc)} UTC"


def _zone_name(moment: datetime, zone: ZoneInfo) -> str:
    """Return the zone by its letters and its place; where it has no letters, by its distance from UTC."""
    name = moment.astimezone(zone).tzname() or ""
    if zone.key == "UTC":
        return "UTC"
    letters = name if name.isalpha() else f"UTC{name}"
    return f"{letters} ({describe_place(zone)})"


def describe_place(zone: tzinfo | None) -> str:
    """Return a zone by its place: ``America/New York``; ``UTC`` has none."""
    return str(zone).replace("_", " ")
