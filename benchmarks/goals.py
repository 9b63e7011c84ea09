"""Goals: a ratio of two contenders, or a bound on one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.contender import Sample
from benchmarks.figures import Samples, Spread, cpu_ms_each, p99, per_s, ratio, spread


@dataclass(frozen=True, slots=True)
class Goal:
    """``figure`` of ``above``, over that of ``below`` if there is one, must be at least or at most ``bound``."""

    text: str
    above: str
    below: str | None
    figure: Callable[[Sample], float]
    must_be: Literal["at least", "at most"]
    bound: float

    def measured(self, samples: Samples) -> Spread | None:
        """Return the measured spread, or None when a contender did not take part."""
        above, below = samples.get(self.above), samples.get(self.below or "")
        if not above or (self.below and not below):
            return None
        if below:
            return ratio(above, below, self.figure)
        return spread([self.figure(sample) for sample in above])

    def is_met(self, measured: Spread) -> bool:
        return measured.median >= self.bound if self.must_be == "at least" else measured.median <= self.bound


def connections(sample: Sample) -> float:
    return float(sample.connections or 0)


def in_flight(sample: Sample) -> float:
    return float(sample.in_flight or 0)


ACCEPT_LIMIT, BARE_VIEW = "pgbench: insert one 3 KB row, commit", "Django view: verify and parse only"
DJ_STRIPE, NAIVE, ESTUARY = "dj-stripe, warm", "naive view", "Estuary"
ONE_PROCESS = "Estuary, one process"
FULFILLED = "Estuary, accepted and fulfilled"
TWO_PROCESSES = "Estuary, the web server in two processes"
WITH_MAILS = "Estuary, and its mails written beside"
ONE_WORKER = "Estuary, one worker for events and mails"
ONE_WORKER_TWO_PROCESSES = f"{ONE_WORKER}, the web server in two processes"
SATURATED, CALM = "Estuary, at nine tenths of that rate", "Estuary, at a tenth of that rate"
SETTLE_LIMIT, SETTLED = "pgbench: the same rows, 100 orders a transaction", "Estuary, inbox.drain"
BARE_CREATE, CREATED = "DRF view: one row, the same two calls", "Estuary, POST …/create/"
ALONE, BESIDE = "webhooks alone", "webhooks beside 200 slow creates"

GOALS = [
    Goal("accept, of the limit", ESTUARY, ACCEPT_LIMIT, per_s, "at least", 0.5),
    Goal("accept, × dj-stripe", ESTUARY, DJ_STRIPE, per_s, "at least", 30),
    Goal("accept p99, of dj-stripe's", ESTUARY, DJ_STRIPE, p99, "at most", 0.05),
    Goal("accepted and fulfilled, × dj-stripe", FULFILLED, DJ_STRIPE, per_s, "at least", 20),
    Goal("accepted and fulfilled, × naive", FULFILLED, NAIVE, per_s, "at least", 4),
    Goal("received → visible p99 at saturation, ms", SATURATED, None, p99, "at most", 50),
    Goal("received → visible p99 at a tenth, ms", CALM, None, p99, "at most", 20),
    Goal("settle, of the limit", SETTLED, SETTLE_LIMIT, per_s, "at least", 0.3),
    Goal("create, CPU × bare DRF view", CREATED, BARE_CREATE, cpu_ms_each, "at most", 2.5),
    Goal("webhooks beside 200 slow creates, of alone", BESIDE, ALONE, per_s, "at least", 0.7),
    Goal("creates that waited for Stripe meanwhile", BESIDE, None, in_flight, "at least", 200),
    Goal("connections to the database meanwhile", BESIDE, None, connections, "at most", 20),
]
