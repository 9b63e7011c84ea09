"""Free slots of 1-on-1 sessions: the practitioner's hours, minus taken intervals, minus the past.

A date's own windows replace those of its weekday. A window is defined in the practitioner's local time and ends at
24:00 at the latest. Each day's window becomes one interval of absolute time, and the grid of starts steps through
absolute time. So on the day clocks change, no start is doubled, lost or impossible.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet

from estuary.catalog.bounds import HORIZON, minutes
from estuary.catalog.calendar import CalendarEntry, entries_of
from estuary.catalog.hours.opening_hours import OpeningHours, days_around, read_opening_hours
from estuary.catalog.models import MIDNIGHT, Service
from estuary.common.english_times import describe_utc
from estuary.common.errors import Conflict, InvalidRequest


class SlotInPast(InvalidRequest):
    code, title = "slot_in_past", "That time is over"


class OutsideAvailability(InvalidRequest):
    code, title = "outside_availability", "That time is not offered"


class SlotTaken(Conflict):
    code, title = "slot_taken", "That time is taken"


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked, half-open, both ends in UTC."""

    starts_at: datetime
    ends_at: datetime


def free_slots(
    service: Service,
    *,
    first_day: date,
    days: int,
    at: datetime,
    zone: tzinfo | None = None,
    ignored_entry_id: int | None = None,
) -> list[Slot]:
    """Return the free slots of a session service that begin within ``days`` days, in order, in two queries.

    The days are those of ``zone``, by default the practitioner's. Nothing is offered in the past or beyond HORIZON.
    The calendar entry ``ignored_entry_id`` takes no time: it is that of a booking which is about to move.
    """
    zone = zone or service.practitioner.zone
    begin = max(to_utc(first_day, time.min, zone), at)
    end = min(to_utc(first_day + timedelta(days=days), time.min, zone), at + HORIZON)
    if begin >= end:
        return []
    days_read = days_around(begin.date(), end.date())
    hours = read_opening_hours([service.practitioner_id], **days_read).get(service.practitioner_id)
    if hours is None:
        return []
    entries = entries_of(service.practitioner_id)
    if ignored_entry_id is not None:
        entries = entries.exclude(pk=ignored_entry_id)
    busy = _busy_intervals(entries, begin, end + minutes(service.duration_min))
    slots = {
        slot
        for window in _window_intervals(hours, begin, end)
        for slot in _slots_in_window(window, service)
        if at < slot.starts_at and begin <= slot.starts_at < end and _is_free(slot, busy)
    }
    return sorted(slots, key=lambda slot: slot.starts_at)


def check_slots(pairs: Iterable[tuple[Service, datetime]], *, at: datetime) -> list[datetime]:
    """Return when each slot ``(service, starts_at)`` ends, in UTC and in order, in one query however many there are.

    Raises SlotInPast, or OutsideAvailability when a slot is not inside one of the practitioner's windows or not on the
    window's grid. Taken slots are not checked: the calendar's constraint rejects them.
    """
    requested = list(pairs)
    if not requested:
        return []
    owners = {service.practitioner_id for service, _ in requested}
    days = [starts_at.astimezone(UTC).date() for _, starts_at in requested if at < starts_at <= at + HORIZON]
    first, last = min(days, default=at.date()), max(days, default=at.date())
    # A slot may end on the day after.
    hours = read_opening_hours(owners, **days_around(first, last + timedelta(days=1)))
    return [
        _slot_end(service, starts_at, hours.get(service.practitioner_id), at)
        for service, starts_at in requested
    ]


def is_within_hours(hours: OpeningHours, starts_at: datetime, ends_at: datetime) -> bool:
    """Return whether one window holds all of a time."""
    return any(
        window.starts_at <= starts_at and ends_at <= window.ends_at
        for window in _window_intervals(hours, starts_at, ends_at)
    )


def _slot_end(service: Service, starts_at: datetime, hours: OpeningHours | None, at: datetime) -> datetime:
    if starts_at <= at:
        raise SlotInPast(f"{service.name} can't begin in the past. Choose one of its free slots.")
    if starts_at > at + HORIZON:
        raise OutsideAvailability(f"{service.name} can be booked at most {HORIZON.days} days ahead.")
    starts_at = starts_at.astimezone(UTC)
    slot = Slot(starts_at, starts_at + minutes(service.duration_min))
    for window in _window_intervals(hours, starts_at, slot.ends_at) if hours else ():
        is_within = window.starts_at <= slot.starts_at and slot.ends_at <= window.ends_at
        if is_within and not (slot.starts_at - window.starts_at) % minutes(service.slot_step_min):
            return slot.ends_at
    raise OutsideAvailability(
        f"{service.name} is not offered at {describe_utc(starts_at)}. "
        f"Choose one of its free slots: /api/v1/services/{service.pk}/slots/."
    )


def _window_intervals(hours: OpeningHours, begin: datetime, end: datetime) -> Iterator[Slot]:
    """Yield the windows as intervals on each local day between two moments."""
    zone = hours.zone
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for window in hours.windows_on(day):
            # An end at 00:00 means 24:00, the midnight after the day.
            last_day = day + timedelta(days=1) if window.ends == MIDNIGHT else day
            yield Slot(to_utc(day, window.starts, zone), to_utc(last_day, window.ends, zone))
        day += timedelta(days=1)


def _slots_in_window(window: Slot, service: Service) -> Iterator[Slot]:
    duration, step = minutes(service.duration_min), minutes(service.slot_step_min)
    starts_at = window.starts_at
    while starts_at + duration <= window.ends_at:
        yield Slot(starts_at, starts_at + duration)
        starts_at += step


def _busy_intervals(
    entries: QuerySet[CalendarEntry], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the taken intervals in order; the calendar's constraint guarantees that none overlaps another."""
    taken = entries.filter(during__overlap=DateTimeTZRange(begin, end))
    return sorted((during.lower, during.upper) for during in taken.values_list("during", flat=True))


def _is_free(slot: Slot, busy: list[tuple[datetime, datetime]]) -> bool:
    later_index = bisect_left(busy, slot.ends_at, key=lambda interval: interval[0])
    return later_index == 0 or busy[later_index - 1][1] <= slot.starts_at


def to_utc(day: date, wall: time, zone: tzinfo) -> datetime:
    """Return a local time in UTC; of a time that occurs twice, the first.

    A local time that the clock skips becomes the moment of the change. So no window begins early or ends late: 02:30 in
    Berlin on 29 March 2026 becomes 03:00 summer time, 01:00 UTC.
    """
    local = datetime.combine(day, wall, zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first <= second else _find_offset_change(second, first, zone)


def _find_offset_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Find, to the second, when the offset of ``zone`` changes between two moments."""
    low, high = int(before.timestamp()), int(after.timestamp())
    offset = before.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
