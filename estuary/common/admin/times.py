"""How times are written for staff: 24 hours, day before month, and always the zone.

Each page names a zone beside each time, so nobody has to guess whose clock it is.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from estuary.common.english_times import describe_place


def exact_time(at: datetime) -> str:
    """Return when something happened, to the second: ``30 Nov 2026, 07:57:45 UTC``."""
    return f"{timezone.localtime(at):%d %b %Y, %H:%M:%S %Z}"


def day_and_time(at: datetime, zone: ZoneInfo | None = None) -> str:
    """Return when something takes place, by the clocks of ``zone``: ``Fri 04 Dec 2026, 21:00 UTC``."""
    local = timezone.localtime(at, zone)
    return f"{local:%a %d %b %Y, %H:%M} {describe_place(local.tzinfo)}"


def time_of_day(at: datetime) -> str:
    """Return the time of a day that is plain: ``21:00 UTC``."""
    return f"{timezone.localtime(at):%H:%M %Z}"
