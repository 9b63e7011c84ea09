"""Admission to a web process's database connections: whoever waits for a lock leaves some to others.

In ordinary times requests are admitted in the order in which they have begun. Once PostgreSQL has cut a wait short,
then for some seconds those that want the same as that request take one connection at a time (a bulkhead), and some
are reserved for readers and for the catalogue. See docs/decisions/0025-lock-timeouts-and-connection-admission.md.
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

from estuary.common.api.errors import Unavailable
from estuary.common.observability import metrics

WAIT_S = 4.0  # of one request, for all connections that it takes one after the other
CLEAN_UP_S = 2.0  # of one that was refused, to free its Idempotency-Key
CONTENDED_S = 5.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

ANY, PAGES, WRITES = "any", "pages", "writes"
# So many connections each of these leaves to the others while anything is contended.
RESERVED = {ANY: 0, PAGES: 1, WRITES: 2}

type Permit = frozenset[str]


class Busy(Unavailable):
    """Others hold what this request needs; it is safe to send the same again."""

    code, title = "busy", "Others are at work on the same"


@dataclass(slots=True)
class Claim:
    """One web request: its bulkheads, what it wants a lock of, and how long it may still wait for connections."""

    bulkheads: tuple[str, ...]
    resources: set[str] = field(default_factory=set)
    wait_left_s: float = WAIT_S
    since: float = field(default_factory=time.monotonic)

    def limit_to_cleanup(self) -> None:
        """Want nothing any more but to note, on any connection, that the request may come again."""
        self.bulkheads, self.resources, self.wait_left_s = (ANY,), set(), CLEAN_UP_S


@dataclass(slots=True, eq=False)
class Waiter:
    permit: Permit
    since: float
    admitted: Event = field(default_factory=Event)


class Admission:
    """Counts the connections that web requests hold, by bulkhead and by resource, and queues who finds no room."""

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
                self._take(permit)
                return permit
            # Who has begun goes before who has just come: else a crowd is served all at the end, and so too late.
            insort(self._queue, waiter := Waiter(permit, claim.since), key=attrgetter("since"))
            self._admit()
        self._wait(waiter, claim)
        return permit

    def _wait(self, waiter: Waiter, claim: Claim) -> None:
        since = time.monotonic()
        waiter.admitted.wait(claim.wait_left_s)
        waited_s = time.monotonic() - since
        claim.wait_left_s -= waited_s
        # It waits here so as not to wait at the pool, whose counts these are.
        metrics.POOL_WAITS.labels(DEFAULT_DB_ALIAS).inc()
        with self._lock:
            if not waiter.admitted.is_set():
                self._queue.remove(waiter)
                claim.limit_to_cleanup()
                metrics.POOL_ERRORS.labels(DEFAULT_DB_ALIAS).inc()
                raise Busy(
                    "Many ask at once, or somebody holds what you want. Send the same again in a moment."
                )
        metrics.POOL_WAIT_SECONDS.labels(DEFAULT_DB_ALIAS).inc(waited_s)

    def release(self, permit: Permit) -> None:
        with self._lock:
            for name in permit:
                self._held[name] -= 1
                if not self._held[name]:
                    del self._held[name]
            self._admit()

    def mark_contended(self, resources: set[str]) -> None:
        """Note that somebody has waited for one of these in vain."""
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
                self._take(waiter.permit)
                waiter.admitted.set()

    def _take(self, permit: Permit) -> None:
        for name in permit:
            self._held[name] += 1

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
    """Say what else a request wants a lock of; while that is contended, it gives its connection up and queues."""
    if claim := _claim.get():
        claim.resources.add(resource)
        if admission.is_contended(resource) and not connection.in_atomic_block:
            connection.close()


def mark_contended() -> None:
    """Have what the request wants taken for contended: PostgreSQL has cut its wait short."""
    if claim := _claim.get():
        admission.mark_contended(claim.resources)


class ConnectionAdmissionMiddleware:
    """Middleware that says of each request what it wants, before it asks the database for anything."""

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
            # No row keeps a reader waiting, but a table does, and the same table all who ask for the same page.
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
