"""Reads that may be a moment old: a replica answers them while it keeps up, and the primary whenever it does not.

Everything else, which is everything that is not marked ``replica_read``, is read where it is written. See
docs/decisions/0017-a-replica-serves-the-catalogue.md.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import Error, connections
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.db.replica_lag import MAX_LAG_S, ReplicaMonitor
from estuary.common.observability import metrics

REPLICA = "replica"  # its alias among DATABASES
STICKY_COOKIE, STICKY_S = "estuary_wrote", round(2 * MAX_LAG_S)  # a cookie, and how long it is kept

_reading: ContextVar[bool] = ContextVar("reading_from_the_replica", default=False)
_monitor = ReplicaMonitor()


def start_monitor() -> None:
    """Begin to look after the replica; until then the primary answers everything."""
    _monitor.start()


class ReplicaRouter:
    """Leads what is read inside ``replica_read`` to the replica, and leaves all else as Django has it."""

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return REPLICA if _reading.get() else None


def replica_read[R](get: Callable[..., R]) -> Callable[..., R]:
    """Let a view's GET be answered by the replica, and by the primary when that goes wrong.

    Only for what writes nothing, decides nothing about money, and is nobody's own.
    """

    @functools.wraps(get)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> R:
        if not settings.DATABASE_REPLICA_URL:
            return get(request, *args, **kwargs)
        outcome = (
            "writer" if STICKY_COOKIE in request.COOKIES else "behind" if _monitor.is_behind else "answered"
        )
        try:
            if outcome == "answered":
                with _reading_from_the_replica():
                    return get(request, *args, **kwargs)
        except Http404:
            outcome = "missing"  # perhaps it is newer than what the replica knows
        except Error as error:
            outcome = "failed"
            _monitor.mark_unhealthy(error)
        finally:
            metrics.REPLICA_READS.labels(outcome).inc()
        return get(request, *args, **kwargs)

    wrapper.is_replica_read = True  # type: ignore[attr-defined]
    return wrapper


@contextmanager
def _reading_from_the_replica() -> Iterator[None]:
    before = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(before)
        connections[REPLICA].close()  # back into its pool, before the primary may be asked


class StickyPrimaryMiddleware:
    """Middleware that has whoever has just written read from the primary, until the replica has it for certain.

    It goes by a cookie, so that it holds at every node, and for who looks without being signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.DATABASE_REPLICA_URL:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(
                STICKY_COOKIE, "1", max_age=STICKY_S, secure=secure, httponly=True, samesite="Lax"
            )
        return response
