"""Free slots of 1-on-1 sessions: the practitioner's weekly windows, minus taken intervals, minus the past.

A window is defined in the practitioner's local time and ends at 24:00 at the latest. Each day's window becomes one
interval of absolute time, and the grid of starts steps through absolute time. So on the day clocks change, no start is
doubled, lost or impossible.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet

from estuary.catalog.bounds import minutes
from estuary.catalog.calendar import CalendarEntry, entries_of
from estuary.catalog.models import MIDNIGHT, Availability, Service
from estuary.common.errors import Conflict, InvalidRequest

# Nobody plans further ahead, and dates near year 9999 overflow.
HORIZON = timedelta(days=366)


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
    begin = max(_to_utc(first_day, time.min, zone), at)
    end = min(_to_utc(first_day + timedelta(days=days), time.min, zone), at + HORIZON)
    if begin >= end:
        return []
    windows = list(Availability.objects.filter(practitioner_id=service.practitioner_id))
    entries = entries_of(service.practitioner_id)
    if ignored_entry_id is not None:
        entries = entries.exclude(pk=ignored_entry_id)
    busy = _busy_intervals(entries, begin, end + minutes(service.duration_min))
    slots = {
        slot
        for window in _window_intervals(windows, service.practitioner.zone, begin, end)
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
    windows: dict[int, list[Availability]] = {}
    owners = {service.practitioner_id for service, _ in requested}
    for window in Availability.objects.filter(practitioner_id__in=owners).select_related("practitioner"):
        windows.setdefault(window.practitioner_id, []).append(window)
    return [
        _slot_end(service, starts_at, windows.get(service.practitioner_id, []), at)
        for service, starts_at in requested
    ]


def _slot_end(
    service: Service, starts_at: datetime, windows: Sequence[Availability], at: datetime
) -> datetime:
    if starts_at <= at:
        raise SlotInPast(f"{service.name} can't begin in the past. Choose one of its free slots.")
    if starts_at > at + HORIZON:
        raise OutsideAvailability(f"{service.name} can be booked at most {HORIZON.days} days ahead.")
    starts_at = starts_at.astimezone(UTC)
    slot = Slot(starts_at, starts_at + minutes(service.duration_min))
    if windows:
        zone = windows[0].practitioner.zone
        for window in _window_intervals(windows, zone, starts_at, slot.ends_at):
            is_within = window.starts_at <= slot.starts_at and slot.ends_at <= window.ends_at
            if is_within and not (slot.starts_at - window.starts_at) % minutes(service.slot_step_min):
                return slot.ends_at
    raise OutsideAvailability(
        f"{service.name} is not offered at {starts_at:%Y-%m-%d %H:%M} UTC. "
        f"Choose one of its free slots: /api/v1/services/{service.pk}/slots/."
    )


def _window_intervals(
    windows: Sequence[Availability], zone: ZoneInfo, begin: datetime, end: datetime
) -> Iterator[Slot]:
    """Yield the weekly windows as intervals on each local day between two moments."""
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for window in windows:
            if window.weekday == day.weekday():
                # An end at 00:00 means 24:00, the midnight after the day.
                last_day = day + timedelta(days=1) if window.ends == MIDNIGHT else day
                yield Slot(_to_utc(day, window.starts, zone), _to_utc(last_day, window.ends, zone))
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


def _to_utc(day: date, wall: time, zone: tzinfo) -> datetime:
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
