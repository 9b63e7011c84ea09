"""A practitioner's calendar: one row for each group session and each reserved slot.

One exclusion constraint keeps all of them from overlapping, workshops and 1-on-1 sessions alike. The embedded
PostgreSQL has no btree_gist, so the practitioner's id is wrapped into a one-element range, which GiST indexes out of
the box.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.db import connection, models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange, NumericRange
from django.db.models import F, Func, Value

from estuary.accounts.models import Practitioner

INSERT_FREE_ENTRIES = """
    INSERT INTO catalog_calendarentry (practitioner_id, during)
    SELECT requested.practitioner_id, tstzrange(requested.starts_at, requested.ends_at)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS requested (practitioner_id, starts_at, ends_at, turn)
    ORDER BY requested.practitioner_id, requested.starts_at, requested.turn
    ON CONFLICT DO NOTHING
    RETURNING practitioner_id, lower(during), upper(during), id"""


class PractitionerRange(Func):
    """``int8range(id, id, '[]')``: an id as a range, so that GiST can compare it for equality."""

    function = "int8range"
    output_field = BigIntegerRangeField()

    def __init__(self, field: str) -> None:
        super().__init__(F(field), F(field), Value("[]"))


class CalendarEntry(models.Model):
    """One taken interval, half-open ``[start, end)``, of one practitioner."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="calendar_entries")
    during = DateTimeRangeField()

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
        return f"{self.practitioner_id}: {self.during}"


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


def delete_entries(entry_ids: Sequence[int]) -> None:
    """Delete entries that this transaction has inserted and nothing refers to yet."""
    if entry_ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM catalog_calendarentry WHERE id = ANY(%s)", [list(entry_ids)])
