"""The sandbox's one source of time, which a test or a simulation may own."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the sandbox asks of a clock; times are seconds since the epoch."""

    def now(self) -> float: ...

    def advance(self, seconds: float) -> None: ...


class SystemClock:
    """Real time, plus whatever it was advanced by."""

    def __init__(self) -> None:
        self._offset_s = 0.0

    def now(self) -> float:
        return time.time() + self._offset_s

    def advance(self, seconds: float) -> None:
        self._offset_s += seconds


class ManualClock:
    """Time that stands still until it is advanced."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
