"""Who may take one of a web process's database connections: whoever waits for a lock leaves some to others.

In ordinary times anybody, in the order in which they come. Once a wait for PostgreSQL was cut short, those who want the
same as that request take one connection at a time for some seconds, and all who write leave some to readers.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Event, Lock

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from estuary.common.errors import Unavailable

WAIT_S = 4.0  # of one request, for all connections that it takes one after the other
LEAST_S = 0.05
SUSPECT_S = 5.0  # how long what was waited for in vain is taken for held
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Busy(Unavailable):
    """Others hold what this request needs; it is safe to send the same again."""

    code, title = "busy", "Others are at work on the same"


class Level(IntEnum):
    """How many connections a request leaves to those below it, once somebody has waited in vain."""

    CATALOGUE = 0
    READ = 1
    WRITE = 2


@dataclass(slots=True)
class Visit:
    """One web request: what it wants, and how long it may still wait for connections."""

    level: Level
    wants: set[str] = field(default_factory=set)
    left_s: float = WAIT_S

    @contextmanager
    def waiting(self) -> Iterator[float]:
        """Yield how long may be waited now; what it takes is gone for what comes after."""
        since = time.monotonic()
        try:
            yield max(self.left_s, LEAST_S)
        finally:
            self.left_s -= time.monotonic() - since


_visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


def current_visit() -> Visit | None:
    """Return the web request that is being answered, if any."""
    return _visit.get()


@dataclass(frozen=True, slots=True)
class Place:
    level: Level
    wants: frozenset[str]


@dataclass(slots=True, eq=False)
class Waiter:
    place: Place
    admitted: Event = field(default_factory=Event)


class Places:
    """Counts who holds a connection of the pool; a worker's jobs are not counted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._size = 1
        self._levels: Counter[Level] = Counter()
        self._wants: Counter[str] = Counter()
        self._suspects: dict[str, float] = {}
        self._trouble_until = 0.0
        self._queue: list[Waiter] = []

    def enter(self, visit: Visit, size: int) -> Place:
        """Wait for a place among ``size`` connections; raises Busy."""
        place = Place(visit.level, frozenset(visit.wants))
        with self._lock:
            self._size = size
            if not self._queue and self._has_room(place):
                self._take(place)
                return place
            self._queue.append(waiter := Waiter(place))
            self._admit()
        with visit.waiting() as patience_s:
            waiter.admitted.wait(patience_s)
        with self._lock:
            if not waiter.admitted.is_set():
                self._queue.remove(waiter)
                raise Busy(
                    "Many ask at once, or somebody holds what you want. Send the same again in a moment."
                )
        return place

    def leave(self, place: Place) -> None:
        with self._lock:
            self._levels[place.level] -= 1
            for want in place.wants:
                self._wants[want] -= 1
                if not self._wants[want]:
                    del self._wants[want]
            self._admit()

    def suspect(self, wants: set[str]) -> None:
        """Note that a request with these wants has waited in vain."""
        with self._lock:
            now = time.monotonic()
            self._trouble_until = now + SUSPECT_S
            self._suspects = {want: until for want, until in self._suspects.items() if until > now}
            self._suspects |= dict.fromkeys(wants, self._trouble_until)

    def suspects(self, want: str) -> bool:
        return self._suspects.get(want, 0.0) > time.monotonic()

    def _admit(self) -> None:
        for waiter in list(self._queue):
            if self._levels.total() >= self._size:
                return
            if self._has_room(waiter.place):
                self._queue.remove(waiter)
                self._take(waiter.place)
                waiter.admitted.set()

    def _take(self, place: Place) -> None:
        self._levels[place.level] += 1
        self._wants.update(place.wants)

    def _has_room(self, place: Place) -> bool:
        held = self._levels.total()
        if held >= self._size or time.monotonic() >= self._trouble_until:
            return held < self._size
        return not any(self._wants[want] and self.suspects(want) for want in place.wants) and all(
            sum(self._levels[other] for other in Level if other >= level) < max(self._size - level, 1)
            for level in Level
            if level <= place.level
        )


places = Places()


def want(what: str) -> None:
    """Say what else a request wants; if others wait for that in vain, it gives its connection up and takes its turn."""
    visit = _visit.get()
    if visit is None:
        return
    visit.wants.add(what)
    if places.suspects(what) and not connection.in_atomic_block:
        connection.close()


def note_wait_in_vain() -> None:
    """Have what the request wants taken for held: PostgreSQL has cut its wait short."""
    if visit := _visit.get():
        places.suspect(visit.wants)


class TakeTurns:
    """Middleware that says of each request what it wants, before it asks the database for anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        level = Level.READ if request.method in SAFE else Level.WRITE
        token = _visit.set(Visit(level))
        try:
            return self.get_response(request)
        finally:
            _visit.reset(token)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: object, names: dict[str, object]
    ) -> None:
        visit = _visit.get()
        if visit is None:
            return
        if visit.level is not Level.WRITE:
            # No row keeps a reader waiting, but a table does, and the same table all who ask for the same page.
            visit.wants = {f"page {request.resolver_match.route if request.resolver_match else ''}"}
            if getattr(getattr(getattr(view, "cls", None), "get", None), "may_be_old", False):
                visit.level = Level.CATALOGUE
            return
        owner = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get("sessionid")
        visit.wants = {f"user {owner}"} if owner else set()
        if names or not owner:
            visit.wants.add(f"address {request.path_info}")
