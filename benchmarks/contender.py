"""A contender of a measurement, and the sample of one turn."""

from dataclasses import dataclass
from typing import Protocol


class BenchmarkFailed(Exception):
    """A turn did not do the work that it measures; the message says what went wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of one turn; None where one does not apply, such as the latency of a batch."""

    per_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_s: float | None = None  # of the contender's own processes, without the load and the database
    database_cpu_s: float | None = None
    count: int = 0  # how much was done in this turn
    connections: int | None = None  # most that were open to the database at once
    in_flight: int | None = None  # most payments that waited for Stripe at once


class Contender(Protocol):
    """Takes a turn in every round. ``round`` is measured, ``prepare`` is not; both raise BenchmarkFailed."""

    group: str  # which measurement it belongs to
    name: str  # what the table calls it

    def prepare(self, seconds: float) -> None: ...

    def round(self, seconds: float) -> Sample: ...

    def close(self) -> None: ...
