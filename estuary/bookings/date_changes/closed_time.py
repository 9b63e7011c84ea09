"""Closed time of a practitioner: which there is, and how it is opened again."""

from datetime import datetime
from typing import Any

from django.db import connection

from estuary.catalog.calendar import CLOSE_TRIES, CLOSED_PART, CalendarBusy, release_entries

# Open a range, and return what was closed in it, and whether it is taken for anything.
OPEN_RANGE = f"""
    WITH opened AS (
        UPDATE catalog_calendarentry SET
            is_closed = {CLOSED_PART} - tstzmultirange(tstzrange(%(begin)s, %(end)s)) <> '{{}}',
            closed_part = {CLOSED_PART} - tstzmultirange(tstzrange(%(begin)s, %(end)s))
        WHERE int8range(practitioner_id, practitioner_id, '[]')
              && int8range(%(practitioner)s, %(practitioner)s, '[]')
          AND during && tstzrange(%(begin)s, %(end)s)
          AND {CLOSED_PART} && tstzrange(%(begin)s, %(end)s)
        RETURNING id
    )
    SELECT id, EXISTS (SELECT FROM catalog_servicesession s WHERE s.calendar_entry_id = opened.id)
            OR EXISTS (SELECT FROM bookings_reservation r WHERE r.calendar_entry_id = opened.id)
    FROM opened"""  # noqa: S608 (ours)
CLOSED_RANGES = f"""
    SELECT lower(closed), upper(closed) FROM unnest((
        SELECT range_agg(part) FROM catalog_calendarentry, unnest({CLOSED_PART}) AS part
        WHERE int8range(practitioner_id, practitioner_id, '[]')
              && int8range(%(practitioner)s, %(practitioner)s, '[]')
          AND during && tstzrange(%(after)s, NULL) AND part && tstzrange(%(after)s, NULL))) AS closed
    ORDER BY closed"""  # noqa: S608 (ours)


def open_time(practitioner_id: int, begin: datetime, end: datetime) -> None:
    """Open a range that was closed, in the open transaction; closed time before and after it stays closed.

    What is taken keeps its entry. An entry that was only closed may become another one at this moment, because it was
    released, so it is looked at until nothing in the range is closed.
    """
    values: dict[str, Any] = {"practitioner": practitioner_id, "begin": begin, "end": end}
    with connection.cursor() as cursor:
        for _ in range(CLOSE_TRIES):
            cursor.execute(OPEN_RANGE, values)
            opened = cursor.fetchall()
            if not opened:
                return
            release_entries([key for key, is_taken in opened if not is_taken])
    raise CalendarBusy("Others are booking these days at this moment. Please send it again.")


def closed_ranges(practitioner_id: int, *, after: datetime) -> list[tuple[datetime, datetime]]:
    """Return the ranges of closed time that end after a moment, in order; what touches is one range."""
    values: dict[str, Any] = {"practitioner": practitioner_id, "after": after}
    with connection.cursor() as cursor:
        cursor.execute(CLOSED_RANGES, values)
        return list(cursor.fetchall())
