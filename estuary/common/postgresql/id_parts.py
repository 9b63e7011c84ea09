"""Ids found by their beginning or their end, in any case, each by an index.

PostgreSQL finds any part of a text by the extension pg_trgm, which neither the embedded PostgreSQL nor every hosted one
has. People have the beginning of an id, from a list that cuts it short, or its end, from a mail.
"""

from typing import Any

from django.contrib.postgres.indexes import OpClass
from django.db.models import Index, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Reverse, Upper

# PostgreSQL compares text by locale, where a beginning is no range; this compares by bytes.
BY_BYTES = "text_pattern_ops"


def part_indexes(field: str | Combinable, name: str, *, condition: Q | None = None) -> list[Index]:
    """Return the indexes for ``begins_with`` and ``ends_with`` on a field of the rows that meet ``condition``."""
    return [
        Index(OpClass(Upper(field), name=BY_BYTES), name=f"{name}_begins", condition=condition),
        Index(OpClass(Reverse(Upper(field)), name=BY_BYTES), name=f"{name}_ends", condition=condition),
    ]


def begins_with[Rows: QuerySet[Any]](rows: Rows, field: str | Combinable, part: str) -> Rows:
    """Return the rows whose field begins with ``part``; the caller filters by the condition of the indexes."""
    return rows.alias(id_text=Upper(field)).filter(id_text__startswith=part.upper())


def ends_with[Rows: QuerySet[Any]](rows: Rows, field: str | Combinable, part: str) -> Rows:
    """Return the rows whose field ends with ``part``; the caller filters by the condition of the indexes."""
    return rows.alias(id_reversed=Reverse(Upper(field))).filter(id_reversed__startswith=part.upper()[::-1])
