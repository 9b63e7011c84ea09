"""PostgreSQL transactions: retries, pipelines, prepared cursors, and what an error means."""

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
# Errors of rows that no column or index can store: a retry fails again.
UNSTORABLE = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
RETRYABLE_SQLSTATES = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure

log = structlog.get_logger(__name__)


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that an IntegrityError violated, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def is_unstorable(error: Exception) -> bool:
    """Return whether an error, Django's or psycopg's, means that a row can never be stored."""
    return isinstance(error, UNSTORABLE) or isinstance(error.__cause__, UNSTORABLE)


@contextmanager
def pipeline() -> Iterator[None]:
    """Send statements without waiting for each; wait where rows are fetched, and at the end.

    Errors are raised there too. Do not catch them inside the block: the transaction is lost.
    Source: https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def prepared_cursor() -> CursorWrapper:
    """Return a cursor for frequent statements: PostgreSQL parses and plans each of them once per connection.

    Behind a PgBouncer they are planned each time, as from Django's own cursors (see config/database.py).
    """
    # Not ``django.db.connection``: that proxy looks the connection up at each attribute.
    default: Any = connections[DEFAULT_DB_ALIAS]
    default.ensure_connection()
    with default.wrap_database_errors:
        bound = ServerBindingCursor(default.connection)  # type: ignore[call-arg] # psycopg's own, without stubs
        cursor: CursorWrapper = default._prepare_cursor(bound)
    return cursor


def execute_prepared(statement: str, values: Sequence[Any]) -> CursorWrapper:
    """Send a prepared statement and return its cursor; the caller closes the cursor.

    After a migration that changed a column's type, the plan fails on each connection until a rollback discards it. A
    failing transaction is rolled back anyway. Outside of a transaction, this function discards the plans and sends the
    statement once more.
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
        # A transaction without a statement is not rolled back.
        cursor.execute("SELECT 1")
        transaction.set_rollback(True)


def execute(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """Execute one SQL statement and return how many rows it wrote.

    For frequent statements: compiling the same ORM query each time costs twice as much as executing it.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def retry_transaction[**P, R](transaction: Callable[P, R]) -> Callable[P, R]:
    """Retry a whole transaction after a deadlock or a serialization failure, in three attempts at most.

    Inside an open transaction nothing is retried: the outer transaction must be retried as a whole.
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
