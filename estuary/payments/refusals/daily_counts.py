"""Refusals are added to the row of their day, from all processes; old rows are deleted at night."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import connection

from estuary.common import clock
from estuary.payments.models import Refusal

KEPT_FOR = timedelta(days=30)
ADD = """
    INSERT INTO payments_refusal AS stored (source, reason, day, key_digest, detail, count, last_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (source, reason, day, key_digest) DO UPDATE
    SET count = stored.count + excluded.count, last_at = greatest(stored.last_at, excluded.last_at),
        detail = excluded.detail"""


def add_refusals(
    source: Refusal.Source,
    counts: Mapping[str, tuple[int, datetime]],
    *,
    key_digest: str = "",
    detail: str = "",
) -> None:
    """Add to the rows of today: for each reason how often, and when it happened last.

    In the order of their names, so that two processes never deadlock.
    """
    rows = [
        (source, reason, last_at.astimezone(UTC).date(), key_digest, detail, count, last_at)
        for reason, (count, last_at) in sorted(counts.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(ADD, rows)


def delete_old_refusals() -> int:
    """Delete the rows of days long ago; returns how many."""
    deleted, _ = Refusal.objects.filter(day__lt=(clock.now() - KEPT_FOR).date()).delete()
    return deleted
