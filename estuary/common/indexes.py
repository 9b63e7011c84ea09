"""Indexes that another makes up for: each is written with every row, so none is kept for nothing."""

from django.db.migrations import RunSQL


def drop_index(name: str, *, on: str) -> RunSQL:
    """Drop an index without a lock that anybody waits for; ``on``, a table with its column, says how to get it back.

    Must run in a migration that is not ``atomic``.
    """
    return RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        # One that could not be finished would be there, and of no use.
        [f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {on}"],
    )
