"""Migration operations that create and drop indexes without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.models import Index


def add_index(model: str, index: Index) -> list[Operation]:
    """Create an index concurrently, after dropping the invalid index of an attempt that failed.

    The migration must not be ``atomic``. An attempt that waits too long for a lock fails; run it again.
    """
    drop = RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", RunSQL.noop)
    return [drop, AddIndexConcurrently(model, index)]


def drop_index(name: str, *, on: str) -> RunSQL:
    """Drop an index concurrently. ``on``, a table with its column, is for the reverse operation.

    The migration must not be ``atomic``.
    """
    return RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        # An attempt that failed leaves an invalid index.
        [f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {on}"],
    )
