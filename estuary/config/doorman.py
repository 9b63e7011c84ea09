"""The short way in for Stripe's events: past the middleware, on connections that are kept for them.

They have no session, no user and no page, and come by the thousand: Django's way in would cost several times what it
costs to verify and to keep one. Whatever else is asked for goes Django's way. See docs/decisions/0015-two-doors.md.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from itertools import count
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import psycopg
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg_pool import ConnectionPool, PoolTimeout
from structlog.contextvars import bind_contextvars

from estuary.common import pools
from estuary.common.problems import unavailable
from estuary.common.request_ids import name_of
from estuary.payments.webhooks import INSERT, receive

PATIENCE_S = 4.0  # how long an event waits for a connection; Stripe tries again
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
PREPARED = b"keep_event"

type Connection = psycopg.Connection[Any]


class Doorman:
    """A WSGI application in front of Django's."""

    def __init__(self, django: WSGIApplication) -> None:
        self._django, self._path = django, reverse("stripe-webhook")
        self._receive: Callable[[HttpRequest], Any] = convert_exception_to_response(_receive)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != self._path or environ["REQUEST_METHOD"] != "POST":
            return self._django(environ, start_response)
        request_id = name_of(environ)
        bind_contextvars(request_id=request_id)  # until the next request of this thread binds its own
        response = self._receive(WSGIRequest(environ))
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, [*response.items(), *HEADERS, ("X-Request-ID", request_id)])
        return [response.content]


def _receive(request: HttpRequest) -> HttpResponse:
    try:
        return receive(request, _execute)
    except psycopg.OperationalError as error:
        return unavailable(error)


def _execute(statement: str, values: list[Any]) -> int:
    """Carry out a statement, once more when its connection turns out to be dead: what is kept twice is kept once."""
    try:
        return _execute_once(statement, values)
    except PoolTimeout:
        raise
    except psycopg.OperationalError:
        _pool().check()
        return _execute_once(statement, values)


def _execute_once(statement: str, values: list[Any]) -> int:
    pool = _pool()
    kept = pool.getconn()  # each statement commits by itself: there is no transaction to be ended
    try:
        return _send(kept, statement, values)
    finally:
        pool.putconn(kept)


def _send(kept: Connection, statement: str, values: list[Any]) -> int:
    """Carry out the one statement by libpq's own function: psycopg's cursor would be a quarter of an event's cost.

    What fails that way goes the way of the cursor after all, which knows each error by its name.
    """
    assert statement is INSERT
    texts = [_text(value) for value in values]
    if settings.BEHIND_PGBOUNCER:  # where nothing outlives its transaction
        result = kept.pgconn.exec_params(_numbered(statement), texts)
    else:
        result = kept.pgconn.exec_prepared(PREPARED, texts)
    return result.command_tuples or 0 if _went_well(result) else kept.execute(statement, values).rowcount


def _prepare(kept: Connection) -> None:
    """Have a new connection know the statement; raises psycopg.OperationalError when it can't be prepared."""
    if not settings.BEHIND_PGBOUNCER and not _went_well(kept.pgconn.prepare(PREPARED, _numbered(INSERT))):
        raise psycopg.OperationalError("The inbox's statement can't be prepared.")


def _went_well(result: PGresult) -> bool:
    return result.status == ExecStatus.COMMAND_OK


@cache
def _numbered(statement: str) -> bytes:
    """Return a statement with the placeholders of PostgreSQL itself: $1, $2 and so on."""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", statement).encode()


def _text(value: Any) -> bytes:
    """Return a value in the text format of PostgreSQL's protocol."""
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


_opening = Lock()


def _pool() -> "ConnectionPool[Connection]":
    with _opening:
        return _opened_pool()


@cache
def _opened_pool() -> "ConnectionPool[Connection]":
    """Return this process's connections for events; each commits by itself, and knows the one statement."""
    pool: ConnectionPool[Connection] = ConnectionPool(
        settings.DATABASE_URL,
        min_size=1,
        max_size=settings.INBOX_POOL_SIZE,
        timeout=PATIENCE_S,
        kwargs={"autocommit": True, "prepare_threshold": None},
        configure=_prepare,
        name="inbox",
        open=True,
    )
    pools.register("inbox", pool)
    return pool
