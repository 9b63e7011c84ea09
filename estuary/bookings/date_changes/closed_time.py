"""Closed time of a practitioner: which there is, and how it is opened again."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from estuary.catalog.calendar import CalendarEntry, delete_entries, entries_of

# Time that is closed and taken for nothing else; its entries are in the range, or reach into it.
CLOSED_FOR_NOTHING = """
    SELECT e.id, lower(e.during), upper(e.during) FROM catalog_calendarentry e
    WHERE int8range(e.practitioner_id, e.practitioner_id, '[]')
          && int8range(%(practitioner)s, %(practitioner)s, '[]')
      AND e.during && tstzrange(%(begin)s, %(end)s) AND e.is_closed
      AND NOT EXISTS (SELECT FROM catalog_servicesession s WHERE s.calendar_entry_id = e.id)
      AND NOT EXISTS (SELECT FROM bookings_reservation r WHERE r.calendar_entry_id = e.id)
    ORDER BY e.id FOR UPDATE OF e"""
CLOSED_RANGES = """
    SELECT lower(closed), upper(closed) FROM unnest((
        SELECT range_agg(during) FROM catalog_calendarentry
        WHERE int8range(practitioner_id, practitioner_id, '[]')
              && int8range(%(practitioner)s, %(practitioner)s, '[]')
          AND during && tstzrange(%(after)s, NULL) AND is_closed)) AS closed
    ORDER BY closed"""


def open_time(practitioner_id: int, begin: datetime, end: datetime) -> None:
    """Open a range that was closed, in the open transaction; closed time before and after it stays closed."""
    values: dict[str, Any] = {"practitioner": practitioner_id, "begin": begin, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_FOR_NOTHING, values)
        closed = cursor.fetchall()
    delete_entries([key for key, _, _ in closed])
    rest = [(start, min(stop, begin)) for _, start, stop in closed if start < begin]
    rest += [(max(start, end), stop) for _, start, stop in closed if stop > end]
    CalendarEntry.objects.bulk_create(
        CalendarEntry(practitioner_id=practitioner_id, during=DateTimeTZRange(start, stop), is_closed=True)
        for start, stop in rest
    )
    taken = entries_of(practitioner_id).filter(during__overlap=DateTimeTZRange(begin, end), is_closed=True)
    taken.filter(during__startswith__gte=begin, during__endswith__lte=end).update(is_closed=False)


def closed_ranges(practitioner_id: int, *, after: datetime) -> list[tuple[datetime, datetime]]:
    """Return the ranges of closed time that end after a moment, in order; what touches is one range."""
    values: dict[str, Any] = {"practitioner": practitioner_id, "after": after}
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_RANGES, values)
        return list(cursor.fetchall())
