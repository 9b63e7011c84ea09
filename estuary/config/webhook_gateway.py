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

from estuary.common.api.errors import EstuaryError
from estuary.common.api.problems import problem, unavailable
from estuary.common.body_limits import find_body_problem
from estuary.common.db.group_commit import GroupCommit, WriteTimeout
from estuary.common.db.transactions import UNSTORABLE
from estuary.common.observability import db_pools
from estuary.common.observability.request_ids import request_id_for
from estuary.common.postgresql.limits import set_limits
from estuary.payments.event_store import EventRow, insert_statement
from estuary.payments.webhooks import RECEIVED, receive, webhook_paths

WRITE_TIMEOUT_S = 4.0  # how long an event waits to be written; Stripe tries again
TIMEOUT_SQLSTATES = {str(error.sqlstate).encode() for error in (LockNotAvailable, QueryCanceled)}
MAX_BATCH = 8  # events in one statement
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
JSON_HEADERS = [("Content-Type", "application/json"), *HEADERS]


class Connection(psycopg.Connection[Any]):
    """A connection for events. ``prepared``: for how many events at once it has a statement."""

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
        bind_contextvars(request_id=request_id)  # until the next request of this thread binds its own
        request_id_header = ("X-Request-ID", request_id)
        if (response := _respond_refused(refusal) if refusal else self._receive(environ)) is None:
            start_response("200 OK", [*JSON_HEADERS, request_id_header])
            return [RECEIVED]
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, [*response.items(), *HEADERS, request_id_header])
        return [response.content]

    def _receive(self, environ: dict[str, Any]) -> HttpResponse | None:
        """Take in an event; returns an answer only when it can't be."""
        try:
            refusal = receive(environ, environ["wsgi.input"], self._write)
        except (psycopg.OperationalError, WriteTimeout) as error:
            return unavailable(error)
        except Exception as error:  # a bug, which Django knows how to tell of
            return response_for_exception(WSGIRequest(environ), error)
        return problem(refusal) if refusal else None


def _respond_refused(refusal: EstuaryError) -> HttpResponse:
    structlog.get_logger(__name__).info("body_refused", code=refusal.code)
    return problem(refusal)


def _write(rows: Sequence[EventRow]) -> Sequence[bool | Exception]:
    """Write events in one statement, once more when its connection turns out to be dead: twice is kept once.

    An event that no database can hold stands alone.
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
    connection = pool.getconn()  # each statement commits by itself: there is no transaction to be ended
    try:
        # In one order everywhere, so that two processes with the same events never wait for each other.
        new = _send(connection, sorted(rows, key=attrgetter("id")))
    finally:
        pool.putconn(connection)
    ids = [row.id for row in rows]
    return [name in new and ids.index(name) == place for place, name in enumerate(ids)]


def _send(connection: Connection, rows: Sequence[EventRow]) -> list[str]:
    """Carry out the one statement by libpq's own function, and return the ids of what is new.

    psycopg's cursor would be a quarter of an event's cost. What fails goes its way after all: it knows each error by
    its name.
    """
    texts = [_to_text(value) for row in rows for value in row]
    if settings.BEHIND_PGBOUNCER:  # where nothing outlives its transaction
        result = connection.pgconn.exec_params(_numbered_statement(len(rows)), texts)
    else:
        result = _execute_prepared(connection, len(rows), texts)
    if result.status == ExecStatus.TUPLES_OK:
        return [(result.get_value(at, 0) or b"").decode() for at in range(result.ntuples)]
    if result.error_field(DiagnosticField.SQLSTATE) in TIMEOUT_SQLSTATES:
        raise error_from_result(result)  # and don't wait for the same once more
    return [
        new for (new,) in connection.execute(insert_statement(len(rows)), list(chain.from_iterable(rows)))
    ]


def _execute_prepared(connection: Connection, rows: int, texts: Sequence[bytes]) -> PGresult:
    """Execute the statement for so many events, prepared first; raises psycopg.OperationalError where it can't be.

    Not as the connection is opened: a locked inbox fails that, and the pool then waits ever longer to open another.
    """
    if rows not in connection.prepared:
        result = connection.pgconn.prepare(_statement_name(rows), _numbered_statement(rows))
        if result.status != ExecStatus.COMMAND_OK:
            error = error_from_result(result)
            if isinstance(error, psycopg.OperationalError):
                raise error
            # Such as an inbox that is not migrated yet: Stripe is to come again.
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
    """Return the statement with the placeholders of PostgreSQL itself: $1, $2 and so on."""
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
    """Return this process's connections for events; each commits by itself."""
    pool: ConnectionPool[Connection] = ConnectionPool(
        settings.DATABASE_URL,
        min_size=1,
        max_size=settings.INBOX_POOL_SIZE,
        timeout=WRITE_TIMEOUT_S,
        # A server that vanishes without a word is noticed, or it would hold up all that share its connection.
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
