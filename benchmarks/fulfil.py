"""Accepted and fulfilled: from the POST of an event to the commit that completes its order.

PostgreSQL records the commit time of each transaction, from which on its rows are visible.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmarks import goals, market
from benchmarks.accept import WEBHOOK
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.figures import quantile
from benchmarks.load import CLIENTS, play, write_events
from benchmarks.testbed import ALONE, BESIDE_A_WORKER, ESTUARY, Testbed, cpu_of
from demo.processes import Child
from demo.servers import WORKER_COMMAND, says_ready

GROUP = "accepted and fulfilled"
MOST_PER_S = 5000  # so many orders are prepared for each second
SETTLES_WITHIN_S = 120.0
WARMING, WARM_UP_S = 400, 2.0
LOOK_S = 0.1
FOR_EVENTS, FOR_JOBS, FOR_ALL = ("--only", "events"), ("--only", "jobs"), ()
VISIBLE = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at)::float8 * 1000,
      extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8, extract(epoch FROM received_at)::float8
    FROM payments_webhookevent WHERE status = 'done' ORDER BY id OFFSET %s"""


@dataclass(slots=True)
class Fulfilled:
    """Web server and workers as in production; as fast as they can, or at ``share`` of what ``than`` did before.

    Fulfilment puts mails into the outbox; the peers send none. They wait there, unless one of the ``workers`` writes
    them meanwhile. Each of ``workers`` is the options of a worker's command.
    """

    testbed: Testbed
    server: Child
    port: int
    name: str = goals.FULFILLED
    workers: Sequence[Sequence[str]] = (FOR_EVENTS,)
    share: float = 1.0
    than: "Fulfilled | None" = None
    group: str = GROUP
    last: list[Sample] = field(default_factory=list, init=False)

    def prepare(self, seconds: float) -> None:
        most = MOST_PER_S * self.share
        orders = WARMING + int(most * seconds) + CLIENTS
        with self.testbed.connect("fulfil") as connection:
            market.fill(connection, orders)
        self.testbed.settle_down("fulfil")
        write_events(self.testbed.var / "warming", WEBHOOK, self.port, range(1, WARMING + 1))
        write_events(self.testbed.var / "requests", WEBHOOK, self.port, range(WARMING + 1, orders + 1))

    def round(self, seconds: float) -> Sample:
        workers = [self._worker(number, *options) for number, options in enumerate(self.workers, 1)]
        try:
            self.testbed.processes.wait_for(lambda: all(map(says_ready, workers)), "The workers")
            self._warm_up()
            sample = self._measure(seconds, workers)
        finally:
            for worker in workers:
                self.testbed.processes.end(worker)
        self.last.append(sample)
        return sample

    def _worker(self, number: int, *options: str) -> Child:
        env = self.testbed.environment("fulfil")
        return self.testbed.processes.start(f"worker-{number}", [*WORKER_COMMAND, *options], env)

    def _warm_up(self) -> None:
        """Let the new processes settle a few events before the measurement: their first batch imports and connects."""
        play(self.testbed.var / "warming", self.port, WARM_UP_S, apart_ms=WARM_UP_S / WARMING * 2000)
        self._wait_until_settled()

    def _measure(self, seconds: float, workers: Sequence[Child]) -> Sample:
        before = self.testbed.count("fulfil", "payments_webhookevent")
        cpu, database_cpu = self._cpu_s(workers), self.testbed.database_cpu_s()
        played = play(self.testbed.var / "requests", self.port, seconds, apart_ms=self._apart_ms())
        self._wait_until_settled()
        cpu, database_cpu = self._cpu_s(workers) - cpu, self.testbed.database_cpu_s() - database_cpu
        with self.testbed.connect("fulfil") as connection:
            rows = [tuple(map(float, map(str, row))) for row in connection.execute(VISIBLE, [before])]
        self._check_fulfilled(before + played.answers, before + len(rows))
        took_ms = [row[0] for row in rows]
        whole_s = max(row[1] for row in rows) - min(row[2] for row in rows)
        return Sample(
            per_s=len(rows) / whole_s,
            p50_ms=quantile(took_ms, 0.5),
            p99_ms=quantile(took_ms, 0.99),
            cpu_s=cpu,
            database_cpu_s=database_cpu,
            count=len(rows),
        )

    def _apart_ms(self) -> float:
        """Return how far the events of the share are apart; not at all, when there is no ``than``."""
        return 1000 / (self.than.last[-1].per_s * self.share) if self.than else 0

    def _cpu_s(self, workers: Sequence[Child]) -> float:
        return cpu_of(self.server) + sum(map(cpu_of, workers))

    def _wait_until_settled(self) -> None:
        deadline = time.monotonic() + SETTLES_WITHIN_S
        while self.testbed.count("fulfil", "payments_webhookevent WHERE status <> 'done'"):
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"events still wait after {SETTLES_WITHIN_S:.0f} s")
            time.sleep(LOOK_S)

    def _check_fulfilled(self, answers: int, settled: int) -> None:
        completed = self.testbed.count("fulfil", "orders_order WHERE status = 'completed'")
        if completed != settled or settled < answers:
            raise BenchmarkFailed(f"{answers} were accepted, {settled} settled and {completed} fulfilled")

    def close(self) -> None:
        """The testbed stops its own processes."""


def contenders(testbed: Testbed) -> list[Fulfilled]:
    """Start two web servers of their own, of one process and of two; raises CannotStart."""
    testbed.make_database("fulfil", like="pristine")
    testbed.plan_as_if_large("fulfil")
    whole, two = (_fulfilled(testbed, processes) for processes in (BESIDE_A_WORKER, ALONE))
    return [
        whole,
        replace(two, name=goals.TWO_PROCESSES),
        replace(whole, name=goals.SATURATED, share=0.9, than=whole),
        replace(whole, name=goals.CALM, share=0.1, than=whole),
        replace(whole, name=goals.WITH_MAILS, workers=(FOR_EVENTS, FOR_JOBS)),
        replace(whole, name=goals.ONE_WORKER, workers=(FOR_ALL,)),
        replace(two, name=goals.ONE_WORKER_TWO_PROCESSES, workers=(FOR_ALL,)),
    ]


def _fulfilled(testbed: Testbed, processes: int) -> Fulfilled:
    env = testbed.environment("fulfil")
    return Fulfilled(testbed, *testbed.serve(f"fulfil-{processes}", ESTUARY, env, processes=processes))
