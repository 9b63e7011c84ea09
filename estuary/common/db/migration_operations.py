"""Indexes that come and go while the shop is open."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.models import Index


def add_index(model: str, index: Index) -> list[Operation]:
    """Build an index beside the sales; what an earlier try has left half-built is dropped first.

    Must stand in a migration that is not ``atomic``. A try is given up when it has to wait too long, and run again.
    """
    drop = RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", RunSQL.noop)
    return [drop, AddIndexConcurrently(model, index)]


def drop_index(name: str, *, on: str) -> RunSQL:
    """Drop an index without a lock that anybody waits for; ``on``, a table with its column, says how to get it back.

    Must run in a migration that is not ``atomic``.
    """
    return RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        # One that could not be finished would be there, and of no use.
        [f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {on}"],
    )
