"""Settling: paid orders are handed over, out of an inbox in which their events wait.

One process and one connection on either side, so that one figure says what one worker does of what is possible.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks import goals, market
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.figures import quantile
from benchmarks.house import House
from benchmarks.pgbench import pgbench
from demo.servers import PYTHON

GROUP = "settle"
SCRIPT = Path(__file__).parent / "sql" / "settle.sql"
ORDERS_A_TRANSACTION = 100
LIMIT_PER_S, DRAIN_PER_S = 20_000, 8_000  # so many orders are made ready for each second


def contenders(house: House) -> list["SettleLimit | Drain"]:
    house.make_database("settle-limit", like="pristine")
    house.plan_as_if_large("settle-limit")
    house.make_database("settle", like="pristine")
    house.plan_as_if_large("settle")
    return [SettleLimit(house), Drain(house)]


@dataclass(slots=True)
class SettleLimit:
    """PostgreSQL alone: the same rows, set-wise."""

    house: House
    group: str = GROUP
    name: str = goals.SETTLE_LIMIT

    def prepare(self, seconds: float) -> None:
        make_ready(self.house, "settle-limit", _orders(LIMIT_PER_S * seconds))

    def round(self, seconds: float) -> Sample:
        orders = _orders(LIMIT_PER_S * seconds)
        sample = pgbench(
            self.house.url("settle-limit"),
            SCRIPT,
            clients=1,
            folder=self.house.var,
            transactions=orders // ORDERS_A_TRANSACTION,
            each=ORDERS_A_TRANSACTION,
        )
        check_settled(self.house, "settle-limit", orders)
        return sample

    def close(self) -> None:
        """It leaves no process behind."""


@dataclass(slots=True)
class Drain:
    """The product's own drain, in a process of its own."""

    house: House
    group: str = GROUP
    name: str = goals.SETTLED

    def prepare(self, seconds: float) -> None:
        make_ready(self.house, "settle", _orders(DRAIN_PER_S * seconds))

    def round(self, seconds: float) -> Sample:
        database_cpu = self.house.database_cpu_s()
        env = self.house.environment("settle", DJANGO_SETTINGS_MODULE="estuary.config.settings")
        said = self.house.run("drain", [PYTHON, "-m", "benchmarks.drain", str(seconds)], env)
        told = json.loads(said.splitlines()[-1])
        database_cpu = self.house.database_cpu_s() - database_cpu
        check_settled(self.house, "settle", told["settled"] + 1)  # with the one that it warmed up on
        return Sample(
            per_s=told["settled"] / told["seconds"],
            p50_ms=quantile(told["took_ms"], 0.5),
            p99_ms=quantile(told["took_ms"], 0.99),
            cpu_s=told["cpu_s"],
            database_cpu_s=database_cpu,
            count=told["settled"],
        )

    def close(self) -> None:
        """It leaves no process behind."""


def _orders(wanted: float) -> int:
    return max(round(wanted / ORDERS_A_TRANSACTION), 1) * ORDERS_A_TRANSACTION


def make_ready(house: House, database: str, orders: int) -> None:
    with house.connect(database) as connection:
        market.fill(connection, orders)
        market.fill_inbox(connection, orders)
    house.settle_down(database)


def check_settled(house: House, database: str, events: int) -> None:
    """What counts as settled must be handed over; raises BenchmarkFailed."""
    done = house.count(database, "payments_webhookevent WHERE status = 'done'")
    credits = house.count(database, "credits_credittransaction")
    booked = house.count(database, "bookings_booking WHERE position = 0")
    told = house.count(
        database, "procrastinate_jobs, jsonb_path_query(args, 'strict $.** ? (exists (@.order_id))')"
    )
    if not done == credits + booked == told == events:
        raise BenchmarkFailed(
            f"of {events} orders {done} are done, {credits} credited, {booked} booked and {told} to be told"
        )
