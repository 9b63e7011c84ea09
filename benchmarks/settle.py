"""Settling: the worker fulfils paid orders whose events wait in the inbox.

One process and one connection on either side, so that one figure says what one worker does of what is possible.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks import goals, market
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.figures import quantile
from benchmarks.pgbench import pgbench
from benchmarks.testbed import Testbed
from demo.servers import PYTHON

GROUP = "settle"
SCRIPT = Path(__file__).parent / "sql" / "settle.sql"
ORDERS_A_TRANSACTION = 100
LIMIT_PER_S, DRAIN_PER_S = 20_000, 8_000  # so many orders are made ready for each second


def contenders(testbed: Testbed) -> list["SettleLimit | Drain"]:
    testbed.make_database("settle-limit", like="pristine")
    testbed.plan_as_if_large("settle-limit")
    testbed.make_database("settle", like="pristine")
    testbed.plan_as_if_large("settle")
    return [SettleLimit(testbed), Drain(testbed)]


@dataclass(slots=True)
class SettleLimit:
    """PostgreSQL alone: the same rows, written in bulk."""

    testbed: Testbed
    group: str = GROUP
    name: str = goals.SETTLE_LIMIT

    def prepare(self, seconds: float) -> None:
        make_ready(self.testbed, "settle-limit", _orders(LIMIT_PER_S * seconds))

    def round(self, seconds: float) -> Sample:
        orders = _orders(LIMIT_PER_S * seconds)
        sample = pgbench(
            self.testbed.url("settle-limit"),
            SCRIPT,
            clients=1,
            folder=self.testbed.var,
            transactions=orders // ORDERS_A_TRANSACTION,
            each=ORDERS_A_TRANSACTION,
        )
        check_settled(self.testbed, "settle-limit", orders)
        return sample

    def close(self) -> None:
        """pgbench leaves no process behind."""


@dataclass(slots=True)
class Drain:
    """The product's own drain, in a process of its own."""

    testbed: Testbed
    group: str = GROUP
    name: str = goals.SETTLED

    def prepare(self, seconds: float) -> None:
        make_ready(self.testbed, "settle", _orders(DRAIN_PER_S * seconds))

    def round(self, seconds: float) -> Sample:
        database_cpu = self.testbed.database_cpu_s()
        env = self.testbed.environment("settle", DJANGO_SETTINGS_MODULE="estuary.config.settings")
        output = self.testbed.run("drain", [PYTHON, "-m", "benchmarks.drain", str(seconds)], env)
        figures = json.loads(output.splitlines()[-1])
        database_cpu = self.testbed.database_cpu_s() - database_cpu
        check_settled(self.testbed, "settle", figures["settled"] + 1)  # with the one that it warmed up on
        return Sample(
            per_s=figures["settled"] / figures["seconds"],
            p50_ms=quantile(figures["took_ms"], 0.5),
            p99_ms=quantile(figures["took_ms"], 0.99),
            cpu_s=figures["cpu_s"],
            database_cpu_s=database_cpu,
            count=figures["settled"],
        )

    def close(self) -> None:
        """pgbench leaves no process behind."""


def _orders(orders: float) -> int:
    return max(round(orders / ORDERS_A_TRANSACTION), 1) * ORDERS_A_TRANSACTION


def make_ready(testbed: Testbed, database: str, orders: int) -> None:
    with testbed.connect(database) as connection:
        market.fill(connection, orders)
        market.fill_inbox(connection, orders)
    testbed.settle_down(database)


def check_settled(testbed: Testbed, database: str, events: int) -> None:
    """Check that every settled order is fulfilled; raises BenchmarkFailed."""
    done = testbed.count(database, "payments_webhookevent WHERE status = 'done'")
    credits = testbed.count(database, "credits_credittransaction")
    booked = testbed.count(database, "bookings_booking WHERE position = 0")
    figures = testbed.count(
        database, "procrastinate_jobs, jsonb_path_query(args, 'strict $.** ? (exists (@.order_id))')"
    )
    if not done == credits + booked == figures == events:
        raise BenchmarkFailed(
            f"of {events} orders {done} are done, {credits} credited, {booked} booked and {figures} to be mailed"
        )
