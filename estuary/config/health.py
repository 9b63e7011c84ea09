"""Health checks for load balancers and containers: ``/healthz`` (alive) and ``/readyz`` (can serve).

They are answered before all other middleware: for any host name, over plain HTTP, and without a log line.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.deprecation import MiddlewareMixin

from estuary.common.api.problems import problem, unavailable
from estuary.common.db.group_commit import GroupCommit, WriteTimeout
from estuary.common.errors import Unavailable
from estuary.common.postgresql.connect_timeouts import CONNECT_TIMEOUTS
from estuary.common.postgresql.timeouts import set_limits

# Keeps nothing beyond a transaction, as a PgBouncer requires.
CONNECTION_OPTIONS = {**CONNECT_TIMEOUTS, "autocommit": True, "prepare_threshold": None}
MAX_CHECKS, CHECK_TIMEOUT_S = 1000, 4.0
ALIVE, READY = "/healthz", "/readyz"


class NotReady(Unavailable):
    """The database lacks what this version needs."""

    code, title = "not_ready", "Not ready yet"


class HealthCheckMiddleware(MiddlewareMixin):
    """Responds to the two health checks, and passes all other requests on."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info not in {ALIVE, READY}:
            return None
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = _plain_text("alive") if request.path_info == ALIVE else _respond_readiness()
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _plain_text(word: str) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain; charset=utf-8")


def _respond_readiness() -> HttpResponse:
    try:
        missing = _count_missing_migrations(None)
    except (psycopg.OperationalError, WriteTimeout) as error:
        return unavailable(error)
    if missing:
        return problem(NotReady(f"{missing} migrations are not applied yet. Run `manage.py migrate`."))
    return _plain_text("ready")


class ReadinessCheck:
    """A connection for readiness checks alone. Checks that arrive together share one query."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def count_missing(self, checks: Sequence[None]) -> list[int]:
        """Return the number of missing migrations for each check; reconnects once if the connection has died."""
        try:
            return [self._missing_migrations()] * len(checks)
        except psycopg.OperationalError:
            self.close()
            return [self._missing_migrations()] * len(checks)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _missing_migrations(self) -> int:
        """Return how many apps are behind this version's last migration; one query."""
        try:
            rows = self._connected().execute("SELECT app, name FROM django_migrations").fetchall()
        except psycopg.errors.UndefinedTable:  # an empty database
            rows = []
        return len(_last_migrations() - set(rows))

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._connection.closed:
            where: Any = connection
            parameters = where.get_connection_params() | CONNECTION_OPTIONS
            parameters.pop("context"), parameters.pop("cursor_factory")
            self._connection = psycopg.connect(**parameters)
            set_limits(self._connection)
        return self._connection


readiness = ReadinessCheck()
_count_missing_migrations: GroupCommit[None, int] = GroupCommit(
    readiness.count_missing, writers=1, max_batch=MAX_CHECKS, timeout_s=CHECK_TIMEOUT_S
)


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())
