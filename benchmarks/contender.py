"""What takes part in a measurement, and what one turn of it gives."""

from dataclasses import dataclass
from typing import Protocol


class BenchmarkFailed(Exception):
    """A turn did not do what it is measured for; the message says what went wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One turn. What does not apply is None: a limit has no web process, a batch no latency of one request."""

    per_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_s: float | None = None  # of the contender's own processes, without the load and the database
    database_cpu_s: float | None = None
    count: int = 0  # how much was done in this turn
    connections: int | None = None  # most that were open to the database at once
    in_flight: int | None = None  # most payments that waited for Stripe at once


class Contender(Protocol):
    """Takes its turn in every round: ``prepare`` is not measured, ``round`` is; raises BenchmarkFailed."""

    group: str  # which measurement it belongs to
    name: str  # what the table calls it

    def prepare(self, seconds: float) -> None: ...

    def round(self, seconds: float) -> Sample: ...

    def close(self) -> None: ...
