"""Ids found by their beginning or their end, each by an index.

PostgreSQL finds any part of a text by the extension pg_trgm, which neither the embedded PostgreSQL nor every hosted one
has. People have the beginning of an id, from a list that cuts it short, or its end, from a mail.

- The end is found by an index of the reversed id, in any case. It finds a whole id too.
- The beginning is found by an index that compares bytes: most often the unique index that each table has anyway.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.indexes import OpClass
from django.db.models import Index, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Reverse, Upper

# PostgreSQL compares text by locale, where a beginning is no range; these compare bytes, of text and of a column.
BY_BYTES, COLUMN_BY_BYTES = "text_pattern_ops", "varchar_pattern_ops"


def end_index(field: str | Combinable, name: str, *, condition: Q | None = None) -> Index:
    """Return the index for ``by_end`` on a field of the rows that meet ``condition``."""
    return Index(OpClass(Reverse(Upper(field)), name=BY_BYTES), name=f"{name}_ends", condition=condition)


def begin_index(field: str, name: str) -> Index:
    """Return the index for ``by_beginning`` on a field without a unique index that compares bytes."""
    return Index(fields=[field], opclasses=[COLUMN_BY_BYTES], name=f"{name}_begins")


def part_indexes(field: str | Combinable, name: str, *, condition: Q | None = None) -> list[Index]:
    """Return the two indexes that earlier migrations created for each id."""
    begins = Index(OpClass(Upper(field), name=BY_BYTES), name=f"{name}_begins", condition=condition)
    return [begins, end_index(field, name, condition=condition)]


def by_beginning(field: str, parts: Sequence[str]) -> Q:
    """Return the condition that a field begins with one of ``parts``."""
    condition = Q()
    for part in parts:
        condition |= Q(**{f"{field}__startswith": part})
    return condition


def by_end[Rows: QuerySet[Any]](rows: Rows, field: str | Combinable, part: str) -> tuple[Rows, Q]:
    """Return the rows, prepared, and the condition that a field ends with ``part``, in any case."""
    return rows.alias(id_reversed=Reverse(Upper(field))), Q(id_reversed__startswith=part.upper()[::-1])
