"""Migration operations that create and drop indexes without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations import AddConstraint, RemoveConstraint
from django.db.migrations.operations.base import Operation
from django.db.models import Index, UniqueConstraint


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


def replace_unique(
    model: str, table: str, constraint: UniqueConstraint, *, before: str, after: str
) -> Operation:
    """Replace a conditional unique index by another, which is there before the old one goes.

    ``before`` and ``after`` are what stands behind ``ON table``. The migration must not be ``atomic``.
    """
    name = constraint.name
    other = f"{name}_new"

    def swap(definition: str) -> tuple[str, ...]:
        return (
            # An attempt that failed leaves an invalid index.
            f"DROP INDEX CONCURRENTLY IF EXISTS {other}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {other} ON {table} {definition}",
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            f"ALTER INDEX {other} RENAME TO {name}",
        )

    return SeparateDatabaseAndState(
        database_operations=[RunSQL(swap(after), swap(before))],
        state_operations=[RemoveConstraint(model, name), AddConstraint(model, constraint)],
    )
