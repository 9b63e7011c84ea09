"""Reads from the replica: only views marked with ``replica_read``, and only while the replica keeps up.

All other reads, and all reads while the replica lags, go to the primary. See
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
from django.utils.deprecation import MiddlewareMixin

from estuary.common.db.replica_lag import MAX_LAG_S, ReplicaMonitor
from estuary.common.observability import metrics

# The alias in DATABASES.
REPLICA = "replica"
STICKY_COOKIE, STICKY_S = "estuary_wrote", round(2 * MAX_LAG_S)

_reading: ContextVar[bool] = ContextVar("reading_from_the_replica", default=False)
_monitor = ReplicaMonitor()


def start_monitor() -> None:
    """Start to monitor the replica; until then the primary answers all reads."""
    _monitor.start()


class ReplicaRouter:
    """Routes reads inside ``replica_read`` to the replica; all other queries keep Django's default."""

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return REPLICA if _reading.get() else None


def replica_read[R](get: Callable[..., R]) -> Callable[..., R]:
    """Read a view's GET from the replica, and once more from the primary if that fails.

    Only for views that write nothing, decide nothing about money, and show nobody's own data.
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
            # The row may be newer than the replica.
            outcome = "missing"
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
        # Return the connection to its pool before the primary is queried.
        connections[REPLICA].close()


class StickyPrimaryMiddleware(MiddlewareMixin):
    """Makes a client that has just written read from the primary, until the replica has the write for certain.

    A cookie marks the client, so this works on every node and without a sign-in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.DATABASE_REPLICA_URL:
            raise MiddlewareNotUsed
        super().__init__(get_response)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(
                STICKY_COOKIE, "1", max_age=STICKY_S, secure=secure, httponly=True, samesite="Lax"
            )
        return response
