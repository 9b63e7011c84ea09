"""Timers on the sandbox's clock: sessions expire, delayed payments settle."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from stripe_sandbox.clock import Clock


class Timers:
    """Functions to call at a time of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = count()

    def at(self, due: float, action: Callable[[], None]) -> None:
        heappush(self._heap, (due, next(self._sequence), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self.at(self._clock.now() + seconds, action)

    def run_due(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            heappop(self._heap)[2]()
