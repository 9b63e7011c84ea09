"""The short way in for Stripe's events: past the middleware, on connections that are kept for them.

They have no session, no user and no page, and come by the thousand: Django's way in would cost several times what it
costs to verify and to keep one. Whatever else is asked for goes Django's way. See docs/decisions/0015-two-doors.md.
"""

from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import psycopg
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from psycopg_pool import ConnectionPool, PoolTimeout
from structlog.contextvars import bound_contextvars

from estuary.common import pools
from estuary.common.problems import unavailable
from estuary.common.request_ids import name_of
from estuary.payments.webhooks import receive

PATIENCE_S = 4.0  # how long an event waits for a connection; Stripe tries again
HEADERS = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]


class Doorman:
    """A WSGI application in front of Django's."""

    def __init__(self, django: WSGIApplication) -> None:
        self._django, self._path = django, reverse("stripe-webhook")
        self._receive: Callable[[HttpRequest], Any] = convert_exception_to_response(_receive)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != self._path or environ["REQUEST_METHOD"] != "POST":
            return self._django(environ, start_response)
        request_id = name_of(environ)
        with bound_contextvars(request_id=request_id):
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
        return kept.execute(statement, values).rowcount
    finally:
        pool.putconn(kept)


_opening = Lock()


def _pool() -> "ConnectionPool[psycopg.Connection[Any]]":
    with _opening:
        return _opened_pool()


@cache
def _opened_pool() -> "ConnectionPool[psycopg.Connection[Any]]":
    """Return this process's connections for events; each commits by itself, and keeps the one statement prepared."""
    pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        settings.DATABASE_URL,
        min_size=1,
        max_size=settings.INBOX_POOL_SIZE,
        timeout=PATIENCE_S,
        kwargs={"autocommit": True, "prepare_threshold": None if settings.BEHIND_PGBOUNCER else 0},
        name="inbox",
        open=True,
    )
    pools.register("inbox", pool)
    return pool
