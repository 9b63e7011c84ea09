"""Migration operations that create and drop indexes without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations import AddConstraint, RemoveConstraint
from django.db.migrations.operations.base import Operation
from django.db.models import Index, Q, UniqueConstraint


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


def replace_unique_by_bytes(model: str, table: str, field: str, *, old: str, new: str) -> Operation:
    """Replace the unique index of a text that is not empty by one that compares bytes, which finds a beginning too.

    The new one has a new name and is there before the old one goes. The migration must not be ``atomic``.
    """

    def swap(gone: str, created: str, column: str) -> tuple[str, ...]:
        return (
            # An attempt that failed leaves an invalid index.
            f"DROP INDEX CONCURRENTLY IF EXISTS {created}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {created} ON {table} ({column}) WHERE {field} <> ''",
            f"DROP INDEX CONCURRENTLY IF EXISTS {gone}",
        )

    by_bytes = "varchar_pattern_ops"
    constraint = UniqueConstraint(fields=[field], condition=~Q(**{field: ""}), opclasses=[by_bytes], name=new)
    return SeparateDatabaseAndState(
        database_operations=[RunSQL(swap(old, new, f"{field} {by_bytes}"), swap(new, old, field))],
        state_operations=[RemoveConstraint(model, old), AddConstraint(model, constraint)],
    )
