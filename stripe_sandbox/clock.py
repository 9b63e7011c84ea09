"""The sandbox's only source of time, which tests and simulations replace."""

import time
from typing import Protocol


class Clock(Protocol):
    """The interface of a clock; times are seconds since the epoch."""

    def now(self) -> float: ...

    def advance(self, seconds: float) -> None: ...


class SystemClock:
    """Real time, plus the seconds by which it was advanced."""

    def __init__(self) -> None:
        self._offset_s = 0.0

    def now(self) -> float:
        return time.time() + self._offset_s

    def advance(self, seconds: float) -> None:
        self._offset_s += seconds


class ManualClock:
    """A time that changes only when it is advanced."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
