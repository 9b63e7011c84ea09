"""How the database is emptied after a test that commits: of the tables that something was written into, and no others.

Django truncates every table and writes the permissions anew, which takes longer than most of the tests do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

WRITTEN = (
    "SELECT quote_ident(relname) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
)


@contextmanager
def quick_cleanup() -> Iterator[None]:
    """Do it this way instead of Django's, and don't wait for the disk; what the migrations wrote stays as it is."""
    with connection.cursor() as cursor:
        # For all who connect from now on, the processes that a test starts too. What a crash of PostgreSQL loses is
        # tests/chaos's to show, on a server of its own.
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET synchronous_commit = off')
    drop_connections()
    kept = _written()

    def empty(case: TransactionTestCase) -> None:
        _empty(_written() - kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


def drop_connections() -> None:
    """Close this thread's connection and those of the pool, so that the next one is new."""
    pooled: Any = connection
    pooled.close()
    pooled.close_pool()


def _written() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return {name for (name,) in cursor.fetchall()}


def _empty(tables: set[str]) -> None:
    if not tables:
        return
    names = sorted(tables)
    # As a replica: without foreign keys, and without the triggers that keep the ledger as it is.
    guards_off = "SET LOCAL session_replication_role = replica"
    deletes = [f"DELETE FROM {name}" for name in names]  # noqa: S608 - quoted names of our own tables
    with connection.cursor() as cursor:
        _run(cursor, "BEGIN", guards_off, *deletes, "COMMIT")
        # Rows lie in the order in which they are written only where none lay before.
        _run(cursor, f"VACUUM (INDEX_CLEANUP ON) {', '.join(names)}")


def _run(cursor: Any, *statements: str) -> None:
    cursor.execute("; ".join(statements))
