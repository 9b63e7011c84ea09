"""What a balancer or a container asks: whether the process is alive, and whether it can serve.

Answered in front of everything else: by any host name, over plain http, and with no line in the log each time.
"""

from collections.abc import Callable
from functools import cache

from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from estuary.common.errors import Unavailable
from estuary.common.problems import problem, unavailable

ALIVE, READY = "/healthz", "/readyz"


class NotReady(Unavailable):
    """The database lacks what this version needs."""

    code, title = "not_ready", "Not ready yet"


class Health:
    """Middleware that answers the two questions, and lets everything else pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in {ALIVE, READY}:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = _said("alive") if request.path_info == ALIVE else _readiness()
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _said(word: str) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain; charset=utf-8")


def _readiness() -> HttpResponse:
    try:
        missing = _missing_migrations()
    except OperationalError as error:
        return unavailable(error)
    if missing:
        return problem(NotReady(f"{missing} migrations are not applied yet. Run `manage.py migrate`."))
    return _said("ready")


def _missing_migrations() -> int:
    """Return how many apps are behind this version's last migration; one query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            return len(_last_migrations() - {(app, name) for app, name in cursor.fetchall()})
    except ProgrammingError:  # an empty database has not even the table
        return len(_last_migrations())


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())
