"""Admission to the database connections of a web process, so that requests that wait for a lock leave some to others.

1. Normally, requests are admitted in the order in which they started.
2. After PostgreSQL has canceled a lock wait, what that request wanted is contended for some seconds.
3. While a resource is contended, requests for it get one connection at a time (a bulkhead). Some connections are
   reserved for reads and for the catalogue.

See docs/decisions/0025-lock-timeouts-and-connection-admission.md.
"""

import time
from bisect import insort
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from operator import attrgetter
from threading import Event, Lock

from django.db import DEFAULT_DB_ALIAS, connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.errors import Unavailable
from estuary.common.observability import metrics

# How long one request waits in all, for every connection that it takes.
WAIT_S = 4.0
# How long a rejected request waits, to release its Idempotency-Key.
CLEAN_UP_S = 2.0
CONTENDED_S = 5.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

ANY, PAGES, WRITES = "any", "pages", "writes"
# How many connections each bulkhead leaves to the others while anything is contended.
RESERVED = {ANY: 0, PAGES: 1, WRITES: 2}

type Permit = frozenset[str]


class Busy(Unavailable):
    """Other requests hold what this request needs. The same request may be sent again."""

    code, title = "busy", "Another request is changing the same data"


@dataclass(slots=True)
class Claim:
    """One web request: its bulkheads, the resources it locks, and how long it may still wait for connections."""

    bulkheads: tuple[str, ...]
    resources: set[str] = field(default_factory=set)
    wait_left_s: float = WAIT_S
    since: float = field(default_factory=time.monotonic)

    def limit_to_cleanup(self) -> None:
        """Allow only the clean-up: one connection of any kind, to release the Idempotency-Key."""
        self.bulkheads, self.resources, self.wait_left_s = (ANY,), set(), CLEAN_UP_S


@dataclass(slots=True, eq=False)
class Waiter:
    permit: Permit
    since: float
    admitted: Event = field(default_factory=Event)


class Admission:
    """Counts the connections of web requests by bulkhead and by resource, and queues requests without room."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._size = 1
        self._held: Counter[str] = Counter()
        self._contended_until: dict[str, float] = {}
        self._calm_from = 0.0
        self._queue: list[Waiter] = []

    def acquire(self, claim: Claim, size: int) -> Permit:
        """Wait until the claim may take one of ``size`` connections; raises Busy."""
        permit = frozenset((*claim.bulkheads, *claim.resources))
        with self._lock:
            self._size = size
            if not self._queue and self._has_room(permit):
                self._held.update(permit)
                return permit
            # Started requests go before new ones. Otherwise all requests of a crowd end at the end, too late.
            insort(self._queue, waiter := Waiter(permit, claim.since), key=attrgetter("since"))
            self._admit()
        self._wait(waiter, claim)
        return permit

    def _wait(self, waiter: Waiter, claim: Claim) -> None:
        since = time.monotonic()
        waiter.admitted.wait(claim.wait_left_s)
        waited_s = time.monotonic() - since
        claim.wait_left_s -= waited_s
        # This wait replaces the wait at the pool, so it counts as one.
        metrics.POOL_WAITS.labels(DEFAULT_DB_ALIAS).inc()
        with self._lock:
            if not waiter.admitted.is_set():
                self._queue.remove(waiter)
                claim.limit_to_cleanup()
                metrics.POOL_ERRORS.labels(DEFAULT_DB_ALIAS).inc()
                raise Busy(
                    "Too many requests at once, or another holds the same data. Send this request again in a moment."
                )
        metrics.POOL_WAIT_SECONDS.labels(DEFAULT_DB_ALIAS).inc(waited_s)

    def release(self, permit: Permit) -> None:
        with self._lock:
            self._held -= Counter(permit)
            self._admit()

    def mark_contended(self, resources: set[str]) -> None:
        """Mark resources as contended: a request has waited for one of them without success."""
        with self._lock:
            now = time.monotonic()
            self._calm_from = now + CONTENDED_S
            still = {name: until for name, until in self._contended_until.items() if until > now}
            self._contended_until = still | dict.fromkeys(resources, self._calm_from)

    def is_contended(self, resource: str) -> bool:
        return self._contended_until.get(resource, 0.0) > time.monotonic()

    def _admit(self) -> None:
        for waiter in list(self._queue):
            if self._held[ANY] >= self._size:
                return
            if self._has_room(waiter.permit):
                self._queue.remove(waiter)
                self._held.update(waiter.permit)
                waiter.admitted.set()

    def _has_room(self, permit: Permit) -> bool:
        if time.monotonic() >= self._calm_from:
            return self._held[ANY] < self._size
        return all(self._held[name] < self._limit_of(name) for name in permit)

    def _limit_of(self, name: str) -> int:
        return 1 if self.is_contended(name) else max(self._size - RESERVED.get(name, 0), 1)


admission = Admission()
_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_claim() -> Claim | None:
    """Return the claim of the web request that is being answered, if any."""
    return _claim.get()


def claim_resource(resource: str) -> None:
    """Add a resource that the request locks. While the resource is contended, give up the connection and queue."""
    if claim := _claim.get():
        claim.resources.add(resource)
        if admission.is_contended(resource) and not connection.in_atomic_block:
            connection.close()


def mark_contended() -> None:
    """Mark the resources of this request as contended, after PostgreSQL has canceled its wait."""
    if claim := _claim.get():
        admission.mark_contended(claim.resources)


class ConnectionAdmissionMiddleware:
    """Sets the bulkheads and resources of each request, before its first query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_read = request.method in SAFE
        token = _claim.set(Claim((ANY, PAGES) if is_read else (ANY, PAGES, WRITES)))
        try:
            return self.get_response(request)
        finally:
            _claim.reset(token)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: object, names: dict[str, object]
    ) -> None:
        if not (claim := _claim.get()):
            return
        if request.method in SAFE:
            # A locked row blocks no reader, but a locked table does: it blocks all requests for the same page.
            claim.resources = {f"page {request.resolver_match.route if request.resolver_match else ''}"}
            if _is_catalogue_view(view):
                claim.bulkheads = (ANY,)
            return
        owner = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get("sessionid")
        claim.resources = {f"user {owner}"} if owner else set()
        if names or not owner:
            claim.resources.add(f"address {request.path_info}")


def _is_catalogue_view(view: Callable[..., object]) -> bool:
    get = getattr(getattr(view, "cls", None), "get", None)
    return getattr(get, "is_replica_read", False)
