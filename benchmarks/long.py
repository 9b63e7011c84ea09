"""What takes long: ``python -m benchmarks.long --orders 1000 10000000 --minutes 60``.

The hot paths are played on a database of a thousand orders and on one of ten million: the median of each statement
must stay what it was. Then web server and worker bear an hour of load: their memory must stay flat.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from benchmarks import memory
from benchmarks.contender import BenchmarkFailed
from benchmarks.doctor import FILL, PEOPLE, SEATS
from benchmarks.figures import quantile, short
from benchmarks.house import House
from benchmarks.market import NUMBERED
from demo.plan import CannotStart
from demo.servers import PYTHON

MORE_NUMBERED = (
    *NUMBERED, "bookings_booking", "bookings_participant", "credits_credittransaction", "payments_refund",
    "payments_webhookevent",
)  # fmt: skip
SLOWER_BY = 1.3  # at most


def main(arguments: Sequence[str]) -> int:
    given = read_arguments(arguments)
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    house = House()
    try:
        house.open()
        house.make_database("pristine")
        house.manage("pristine", "migrate", "--verbosity", "0")
        slow = compare([queries_at(house, orders, given.times) for orders in given.orders], given.orders)
        grown = memory.watch(house, minutes=given.minutes, per_s=given.per_s) if given.minutes else False
    except (CannotStart, BenchmarkFailed) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        house.close()
    return 1 if slow or grown else 0


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.long", description="Measure what grows.")
    parser.add_argument("--orders", type=int, nargs=2, default=[1000, 10_000_000], metavar=("FEW", "MANY"))
    parser.add_argument("--times", type=int, default=200, help="how often each path is played")
    parser.add_argument(
        "--minutes", type=float, default=60, help="of load while memory is watched; 0: not at all"
    )
    parser.add_argument("--per-s", type=float, default=200, help="events a second meanwhile")
    return parser.parse_args(arguments)


def queries_at(house: House, orders: int, times: int) -> dict[str, list[float]]:
    """Fill a database of its own and return the milliseconds of every hot statement there."""
    database = f"orders-{orders}"
    house.make_database(database, like="pristine")
    fill(house, database, orders)
    env = house.environment(database, DJANGO_SETTINGS_MODULE="estuary.config.settings")
    file = house.var / f"{database}.json"
    house.run("paths", [PYTHON, "-m", "benchmarks.paths", str(orders), str(times), str(file)], env)
    from benchmarks.paths import read

    return read(file)


def fill(house: House, database: str, orders: int) -> None:
    people = min(PEOPLE, orders)
    sizes = {"orders": orders, "people": people, "seats": SEATS, "sessions": orders // (2 * SEATS) + 1}
    with house.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")
        for what, sql in FILL.items():
            connection.execute(sql.format(**sizes))  # type: ignore[arg-type]
            print(f"{database}: {what} made", flush=True)
        for table in MORE_NUMBERED:
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 1)) FROM {table}"  # type: ignore[arg-type]
            )
    house.settle_down(database)


def compare(measured: Sequence[dict[str, list[float]]], orders: Sequence[int]) -> list[str]:
    """Print every statement's medians side by side, and return those that have become slower than they may."""
    few, many = measured
    slow = []
    print(f"\n{'p50 ms at':>12} {orders[0]:>12,} {orders[1]:>12,}   ratio  statement")
    for statement in sorted(few.keys() & many.keys()):
        before, after = quantile(few[statement], 0.5), quantile(many[statement], 0.5)
        if after > before * SLOWER_BY:
            slow.append(statement)
        print(f"{'':12} {short(before):>12} {short(after):>12}   {after / before:5.2f}  {statement[:110]}")
    for statement in sorted(few.keys() ^ many.keys()):
        print(f"  only at one size: {statement[:110]}")
    print(f"{len(slow)} of {len(few)} statements take more than {SLOWER_BY} times as long")
    return slow


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
