"""Who is taken when: every group session and every reserved slot of a practitioner is one row here.

A single exclusion constraint therefore keeps a workshop and a 1-on-1 from ever overlapping. The embedded PostgreSQL has
no btree_gist, so the practitioner's id is wrapped into a one-element range, which GiST indexes out of the box.
"""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange, NumericRange
from django.db.models import F, Func, Value

from estuary.accounts.models import Practitioner


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


def taken_of(practitioner_id: int) -> models.QuerySet[CalendarEntry]:
    """Return what a practitioner has taken, to be narrowed by ``during``.

    By the constraint's own expression, since only its index knows both: by the id alone PostgreSQL reads all that this
    one has ever taken, or all that anybody has taken in the same weeks.
    """
    whose = NumericRange(practitioner_id, practitioner_id, "[]")
    return CalendarEntry.objects.alias(whose=PractitionerRange("practitioner_id")).filter(
        whose__overlap=whose
    )


def entries_for(
    intervals: Iterable[tuple[int, datetime, datetime]],
) -> list[CalendarEntry]:
    """Insert one entry per ``(practitioner_id, starts_at, ends_at)``, in one statement.

    Raises django.db.IntegrityError when any of them overlaps what is taken; nothing is inserted then.
    """
    rows = [
        CalendarEntry(practitioner_id=practitioner_id, during=DateTimeTZRange(starts_at, ends_at))
        for practitioner_id, starts_at, ends_at in intervals
    ]
    return CalendarEntry.objects.bulk_create(rows)
