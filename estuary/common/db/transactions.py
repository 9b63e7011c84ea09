"""Small things about PostgreSQL that Django leaves to us."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

TRIES = 3
# What a row may have in it that no column, or no index, takes: the same again fails again.
UNSTORABLE = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
RETRYABLE_SQLSTATES = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure

log = structlog.get_logger(__name__)


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that an IntegrityError broke, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def is_unstorable(error: Exception) -> bool:
    """Tell whether an error, Django's or psycopg's own, says that a row can never be written."""
    return isinstance(error, UNSTORABLE) or isinstance(error.__cause__, UNSTORABLE)


@contextmanager
def pipeline() -> Iterator[None]:
    """Have statements sent one after the other: PostgreSQL is waited for where rows are fetched, and at the end.

    What fails is raised there too, and so is not to be caught inside: the transaction is lost then.
    Source: https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def prepared_cursor() -> CursorWrapper:
    """Return a cursor for what is said again and again: each connection has PostgreSQL read and plan it once.

    Behind a PgBouncer it is read and planned each time, as from Django's own cursors (see config/database.py).
    """
    default: Any = connections[DEFAULT_DB_ALIAS]  # itself: its stand-in looks it up at each word
    default.ensure_connection()
    with default.wrap_database_errors:
        bound = ServerBindingCursor(default.connection)  # type: ignore[call-arg] # psycopg's own, without stubs
        cursor: CursorWrapper = default._prepare_cursor(bound)
    return cursor


def execute_prepared(statement: str, values: Sequence[Any]) -> CursorWrapper:
    """Send what is prepared, and return the cursor; the caller closes it.

    Where a migration has changed the type of a column, the plan of each connection fails from then on, until a rollback
    has psycopg forget it. A transaction that fails over it is rolled back by itself; alone, it is asked once more.
    """
    cursor = prepared_cursor()
    try:
        cursor.execute(statement, values)
    except NotSupportedError:
        if connection.in_atomic_block:
            raise
        _discard_plans()
        cursor.execute(statement, values)
    return cursor


def _discard_plans() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # a transaction that nothing was said in is none, and not rolled back
        transaction.set_rollback(True)


def execute(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """Carry out one statement of our own and return how many rows it wrote.

    For where every buyer passes: to put together what is the same each time costs Django twice what it costs to carry
    it out.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def retry_transaction[**P, R](transaction: Callable[P, R]) -> Callable[P, R]:
    """Run a whole transaction again, at most three times, when PostgreSQL gave it up for another one.

    Joined to a transaction that is open already it is not run again: then that one must be, as a whole.
    Source: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
    """

    @functools.wraps(transaction)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for tries_left in reversed(range(TRIES)):
            try:
                return transaction(*args, **kwargs)
            except OperationalError as error:
                is_retryable = getattr(error.__cause__, "sqlstate", None) in RETRYABLE_SQLSTATES
                if not (is_retryable and tries_left) or connection.in_atomic_block:
                    raise
                log.warning("transaction_lost_a_race", what=transaction.__name__)
        raise AssertionError("the last try returns or raises")

    return run
