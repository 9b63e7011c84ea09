"""Webhook requests are received here, before Django's middleware, and written over connections of their own.

1. A POST to a webhook URL goes to ``webhooks.receive``. The middleware would cost several times what the event does.
2. A body that is too large or has no length is rejected unread: every layer behind this one would read all of it.
3. Every other request goes to Django.

See docs/decisions/0015-webhooks-bypass-django-middleware.md.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import chain, count
from operator import attrgetter
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import psycopg
import structlog
from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from psycopg.errors import LockNotAvailable, QueryCanceled, error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg_pool import ConnectionPool, PoolTimeout
from structlog.contextvars import bind_contextvars

from estuary.common.api.problems import problem, unavailable
from estuary.common.body_limits import find_body_problem
from estuary.common.db.group_commit import GroupCommit, WriteTimeout
from estuary.common.db.transactions import UNSTORABLE
from estuary.common.errors import EstuaryError
from estuary.common.observability import db_pools
from estuary.common.observability.request_ids import request_id_for
from estuary.common.postgresql.timeouts import set_limits
from estuary.payments.event_store import EventRow, insert_statement
from estuary.payments.webhooks import RECEIVED, receive, webhook_paths

# How long an event waits to be written; Stripe retries after a 503.
WRITE_TIMEOUT_S = 4.0
TIMEOUT_SQLSTATES = {str(error.sqlstate).encode() for error in (LockNotAvailable, QueryCanceled)}
# Events in one statement.
MAX_BATCH = 8
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
JSON_HEADERS = [("Content-Type", "application/json"), *HEADERS]


class Connection(psycopg.Connection[Any]):
    """A connection for events. ``prepared`` has the batch sizes whose statement is prepared."""

    prepared: set[int]


class WebhookGateway:
    """A WSGI application in front of Django's."""

    def __init__(self, django: WSGIApplication) -> None:
        self._django, self._paths = django, webhook_paths()
        self._write: GroupCommit[EventRow, bool] = GroupCommit(
            _write, writers=settings.INBOX_POOL_SIZE, max_batch=MAX_BATCH, timeout_s=WRITE_TIMEOUT_S
        )

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        is_event = environ["PATH_INFO"] in self._paths and environ["REQUEST_METHOD"] == "POST"
        refusal = None if is_event else find_body_problem(environ)
        if not is_event and refusal is None:
            return self._django(environ, start_response)
        request_id = request_id_for(environ)
        # Bound until the next request of this thread binds its own.
        bind_contextvars(request_id=request_id)
        request_id_header = ("X-Request-ID", request_id)
        if (response := _respond_refused(refusal) if refusal else self._receive(environ)) is None:
            start_response("200 OK", [*JSON_HEADERS, request_id_header])
            return [RECEIVED]
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, [*response.items(), *HEADERS, request_id_header])
        return [response.content]

    def _receive(self, environ: dict[str, Any]) -> HttpResponse | None:
        """Store an event; returns a response only if that fails."""
        try:
            refusal = receive(environ, environ["wsgi.input"], self._write)
        except (psycopg.OperationalError, WriteTimeout) as error:
            return unavailable(error)
        except Exception as error:  # a bug: Django logs and reports it
            return response_for_exception(WSGIRequest(environ), error)
        return problem(refusal) if refusal else None


def _respond_refused(refusal: EstuaryError) -> HttpResponse:
    structlog.get_logger(__name__).info("body_refused", code=refusal.code)
    return problem(refusal)


def _write(rows: Sequence[EventRow]) -> Sequence[bool | Exception]:
    """Insert events in one statement; repeat it if the connection was dead, which the unique index makes safe.

    If one event can't be stored, each event is inserted alone, and only that one fails.
    """
    try:
        try:
            return _write_once(rows)
        except (PoolTimeout, LockNotAvailable, QueryCanceled, *UNSTORABLE):
            raise
        except psycopg.OperationalError:
            _pool().check()
            return _write_once(rows)
    except UNSTORABLE as error:
        return [error] if len(rows) == 1 else [outcome for row in rows for outcome in _write([row])]


def _write_once(rows: Sequence[EventRow]) -> list[bool]:
    pool = _pool()
    connection = pool.getconn()  # in autocommit: there is no transaction to end
    try:
        # In the same order everywhere, so that two processes with the same events never deadlock.
        new = _send(connection, sorted(rows, key=attrgetter("id")))
    finally:
        pool.putconn(connection)
    ids = [row.id for row in rows]
    return [name in new and ids.index(name) == place for place, name in enumerate(ids)]


def _send(connection: Connection, rows: Sequence[EventRow]) -> list[str]:
    """Execute the statement with libpq's own function, and return the ids of new events.

    psycopg's cursor would be a quarter of an event's cost. A statement that fails is repeated with the cursor, which
    raises the matching error class.
    """
    texts = [_to_text(value) for row in rows for value in row]
    if settings.BEHIND_PGBOUNCER:  # no prepared statements
        result = connection.pgconn.exec_params(_numbered_statement(len(rows)), texts)
    else:
        result = _execute_prepared(connection, len(rows), texts)
    if result.status == ExecStatus.TUPLES_OK:
        return [(result.get_value(at, 0) or b"").decode() for at in range(result.ntuples)]
    if result.error_field(DiagnosticField.SQLSTATE) in TIMEOUT_SQLSTATES:
        raise error_from_result(result)  # without waiting a second time
    return [
        new for (new,) in connection.execute(insert_statement(len(rows)), list(chain.from_iterable(rows)))
    ]


def _execute_prepared(connection: Connection, rows: int, texts: Sequence[bytes]) -> PGresult:
    """Execute the statement for ``rows`` events, after preparing it; raises psycopg.OperationalError if that fails.

    It is not prepared when a connection opens: a locked inbox would fail that, and the pool would then wait ever longer
    before it opens another connection.
    """
    if rows not in connection.prepared:
        result = connection.pgconn.prepare(_statement_name(rows), _numbered_statement(rows))
        if result.status != ExecStatus.COMMAND_OK:
            error = error_from_result(result)
            if isinstance(error, psycopg.OperationalError):
                raise error
            # For example, the inbox is not migrated yet. A 503 makes Stripe retry.
            raise psycopg.OperationalError("The inbox's statement can't be prepared.") from error
        connection.prepared.add(rows)
    return connection.pgconn.exec_prepared(_statement_name(rows), texts)


def _configure(connection: Connection) -> None:
    connection.prepared = set()
    set_limits(connection)


def _statement_name(rows: int) -> bytes:
    return b"keep_%d" % rows


@cache
def _numbered_statement(rows: int) -> bytes:
    """Return the statement with PostgreSQL's own placeholders: $1, $2 and so on."""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", insert_statement(rows)).encode()


def _to_text(value: Any) -> bytes:
    """Return a value in the text format of PostgreSQL's protocol."""
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


_opening = Lock()


def _pool() -> "ConnectionPool[Connection]":
    with _opening:
        return _open_pool()


@cache
def _open_pool() -> "ConnectionPool[Connection]":
    """Return this process's pool of connections for events, in autocommit."""
    pool: ConnectionPool[Connection] = ConnectionPool(
        settings.DATABASE_URL,
        min_size=1,
        max_size=settings.INBOX_POOL_SIZE,
        timeout=WRITE_TIMEOUT_S,
        # Notices a server that disappears, which would otherwise block all events of its connection.
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,
            "connect_timeout": 4,
            "tcp_user_timeout": 4000,
        },
        connection_class=Connection,
        configure=_configure,
        name="inbox",
        open=True,
    )
    db_pools.register("inbox", pool)
    return pool
