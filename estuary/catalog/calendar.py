"""A practitioner's calendar: one row for each group session, each reserved slot and each time that is closed.

One exclusion constraint keeps all of them from overlapping, workshops and 1-on-1 sessions alike. The embedded
PostgreSQL has no btree_gist, so the practitioner's id is wrapped into a one-element range, which GiST indexes out of
the box.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.db import connection, models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange, NumericRange
from django.db.models import F, Func, Value

from estuary.accounts.models import Practitioner
from estuary.common.errors import Conflict

INSERT_FREE_ENTRIES = """
    INSERT INTO catalog_calendarentry (practitioner_id, during)
    SELECT requested.practitioner_id, tstzrange(requested.starts_at, requested.ends_at)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS requested (practitioner_id, starts_at, ends_at, turn)
    ORDER BY requested.practitioner_id, requested.starts_at, requested.turn
    ON CONFLICT DO NOTHING
    RETURNING practitioner_id, lower(during), upper(during), id"""
# The part of an entry that is closed. Code from before ``closed_part`` moves entries without it, so it is cut to them.
CLOSED_PART = """CASE WHEN is_closed
    THEN coalesce(closed_part * tstzmultirange(during), tstzmultirange(during)) ELSE '{}'::tstzmultirange END"""
# Take what is free in a range of a practitioner, and close what is taken; count what the statement found to be open.
CLOSE_RANGE = f"""
    WITH overlapping AS (
        SELECT id, during, {CLOSED_PART} AS closed FROM catalog_calendarentry
        WHERE int8range(practitioner_id, practitioner_id, '[]')
              && int8range(%(practitioner)s, %(practitioner)s, '[]')
          AND during && tstzrange(%(begin)s, %(end)s)
    ), gaps AS (
        SELECT gap FROM unnest(tstzmultirange(tstzrange(%(begin)s, %(end)s))
            - coalesce((SELECT range_agg(during) FROM overlapping), '{{}}'::tstzmultirange)) AS gap
    ), not_closed AS (
        SELECT id FROM overlapping WHERE NOT closed @> (during * tstzrange(%(begin)s, %(end)s))
    ), inserted AS (
        INSERT INTO catalog_calendarentry (practitioner_id, during, is_closed)
        SELECT %(practitioner)s, gap, true FROM gaps ORDER BY lower(gap)
        ON CONFLICT DO NOTHING
    ), updated AS (
        UPDATE catalog_calendarentry SET is_closed = true, closed_part = nullif(
            {CLOSED_PART} + tstzmultirange(during * tstzrange(%(begin)s, %(end)s)), tstzmultirange(during))
        WHERE id IN (SELECT id FROM not_closed) AND during && tstzrange(%(begin)s, %(end)s)
    )
    SELECT (SELECT count(*) FROM gaps) + (SELECT count(*) FROM not_closed)"""  # noqa: S608 (ours)
CLOSE_TRIES = 5
# Give an entry another time. The closed time that it leaves stays closed; of its new time, what was closed is so still.
MOVE_ENTRY = f"""
    WITH old AS (
        SELECT id, practitioner_id, {CLOSED_PART} AS closed FROM catalog_calendarentry
        WHERE id = %(entry)s FOR NO KEY UPDATE
    ), requested AS (
        SELECT tstzmultirange(tstzrange(%(begin)s, %(end)s)) AS during
    ), moved AS (
        UPDATE catalog_calendarentry entry SET during = tstzrange(%(begin)s, %(end)s),
            is_closed = old.closed && requested.during,
            closed_part = nullif(old.closed * requested.during, requested.during)
        FROM old, requested WHERE entry.id = old.id
    )
    SELECT practitioner_id, lower(rest), upper(rest)
    FROM old, requested, unnest(old.closed - requested.during) AS rest"""  # noqa: S608 (ours)
# Only what was closed of an entry stays in the calendar.
RELEASE_ENTRIES = f"""
    WITH released AS (
        DELETE FROM catalog_calendarentry WHERE id = ANY(%s) RETURNING practitioner_id, {CLOSED_PART} AS closed
    )
    INSERT INTO catalog_calendarentry (practitioner_id, during, is_closed)
    SELECT practitioner_id, part, true FROM released, unnest(closed) AS part"""  # noqa: S608 (ours)


class PractitionerRange(Func):
    """``int8range(id, id, '[]')``: an id as a range, so that GiST can compare it for equality."""

    function = "int8range"
    output_field = BigIntegerRangeField()

    def __init__(self, field: str) -> None:
        super().__init__(F(field), F(field), Value("[]"))


class CalendarBusy(Conflict):
    code, title = "calendar_busy", "The calendar changes at this moment"


class DateTimeMultirangeField(models.Field):  # type: ignore[type-arg]
    """``tstzmultirange``: several intervals, which only SQL reads and writes."""

    def db_type(self, connection: Any) -> str:
        return "tstzmultirange"


class CalendarEntry(models.Model):
    """One taken interval, half-open ``[start, end)``, of one practitioner."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="calendar_entries")
    during = DateTimeRangeField()
    is_closed = models.BooleanField(
        default=False, db_default=False, help_text="Stays taken when what it was taken for is released."
    )
    closed_part = DateTimeMultirangeField(
        null=True, editable=False, help_text="Which part of it is closed. Empty: all of it, if it is closed."
    )

    class Meta:
        verbose_name_plural = "calendar entries"
        constraints = [
            ExclusionConstraint(
                name="calendar_practitioner_never_overlaps",
                expressions=[
                    (PractitionerRange("practitioner_id"), RangeOperators.OVERLAPS),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                name="calendar_during_bounded",
                condition=models.Q(during__isempty=False)
                & models.Q(during__lower_inf=False)
                & models.Q(during__upper_inf=False),
            ),
        ]

    def __str__(self) -> str:
        begin, end = (at.astimezone(UTC) for at in (self.during.lower, self.during.upper))
        return f"{self.practitioner_id}: {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def entries_of(practitioner_id: int) -> models.QuerySet[CalendarEntry]:
    """Return a practitioner's entries; the caller filters them by ``during``.

    The condition uses the constraint's own expression, because only its index has both columns. With the id alone,
    PostgreSQL would read all entries of this practitioner, or all entries of everybody in the same weeks.
    """
    whose = NumericRange(practitioner_id, practitioner_id, "[]")
    return CalendarEntry.objects.alias(whose=PractitionerRange("practitioner_id")).filter(
        whose__overlap=whose
    )


def insert_entries(intervals: Iterable[tuple[int, datetime, datetime]]) -> list[CalendarEntry]:
    """Insert one entry per ``(practitioner_id, starts_at, ends_at)``, in one statement, and return them in this order.

    Rows are inserted in the order of ``insert_free_entries``, so two transactions with the same intervals never
    deadlock. Raises django.db.IntegrityError if any interval overlaps a taken one; nothing is inserted then.
    """
    rows = [
        CalendarEntry(practitioner_id=practitioner_id, during=DateTimeTZRange(starts_at, ends_at))
        for practitioner_id, starts_at, ends_at in intervals
    ]
    CalendarEntry.objects.bulk_create(sorted(rows, key=lambda row: (row.practitioner_id, row.during.lower)))
    return rows


def insert_free_entries(
    intervals: Sequence[tuple[int, datetime, datetime]],
) -> dict[tuple[int, datetime, datetime], int]:
    """Insert entries for the free intervals ``(practitioner_id, starts_at, ends_at)``, in one statement.

    Returns the primary key of the entry for each free interval; taken intervals are left out without an error.
    """
    if not intervals:
        return {}
    owners, starts, ends = (list(column) for column in zip(*intervals, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(INSERT_FREE_ENTRIES, [owners, starts, ends])
        return {(owner, start, end): entry for owner, start, end, entry in cursor.fetchall()}


def close_time(practitioner_id: int, begin: datetime, end: datetime) -> None:
    """Close a range of a practitioner's calendar: nothing in it can be taken, nor becomes free when it is released.

    What is taken in it keeps its entry, of which the part in the range is closed. Others may take or release a slot
    meanwhile, so it is looked at until nothing in it is open. Raises CalendarBusy when that does not come to an end.
    """
    values: dict[str, Any] = {"practitioner": practitioner_id, "begin": begin, "end": end}
    with connection.cursor() as cursor:
        for _ in range(CLOSE_TRIES):
            cursor.execute(CLOSE_RANGE, values)
            if cursor.fetchone() == (0,):
                return
    raise CalendarBusy("Others are booking these days at this moment. Please send it again.")


def move_entry(entry_id: int, begin: datetime, end: datetime) -> None:
    """Give an entry another time; closed time that it leaves, or keeps, stays closed.

    Raises django.db.IntegrityError (calendar_practitioner_never_overlaps) when the new time is taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(MOVE_ENTRY, {"entry": entry_id, "begin": begin, "end": end})
        left_closed = cursor.fetchall()
    CalendarEntry.objects.bulk_create(
        CalendarEntry(practitioner_id=practitioner_id, during=DateTimeTZRange(start, stop), is_closed=True)
        for practitioner_id, start, stop in left_closed
    )


def release_entries(entry_ids: Sequence[int]) -> None:
    """Free the time of entries that nothing refers to any more, but for closed time."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_ENTRIES, [list(entry_ids)])


def delete_entries(entry_ids: Sequence[int]) -> None:
    """Delete entries that this transaction has inserted and nothing refers to yet."""
    if entry_ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM catalog_calendarentry WHERE id = ANY(%s)", [list(entry_ids)])
