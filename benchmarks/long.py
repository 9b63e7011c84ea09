"""Measures growth: ``python -m benchmarks.long --orders 1000 10000000 --minutes 60``.

1. The paths of all users run on a database of a thousand orders and on one of ten million. The median time of each
   statement must not grow.
2. Web server and worker run under load for an hour. Their memory must not grow.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]

from benchmarks import load, market, memory
from benchmarks.contender import BenchmarkFailed
from benchmarks.figures import quantile, short
from benchmarks.paths import WARM_UP, read
from benchmarks.settle import SCRIPT
from benchmarks.testbed import Testbed
from benchmarks.weighing import weigh
from demo.plan import CannotStart
from demo.servers import PYTHON

CHUNK = 100_000  # orders that are made and settled in one statement
SLOWER_BY = 1.3  # at most
ROUNDS = 5
# Of so many rounds: one statement in ten differs by as much between two rounds on the same database.
SLOWER_IN = 0.8


def main(arguments: Sequence[str]) -> int:
    options = read_arguments(arguments)
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    try:
        load.find_wrk()
        testbed = Testbed()
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    try:
        testbed.open(**for_many_orders())
        testbed.make_database("pristine")
        testbed.manage("pristine", "migrate", "--verbosity", "0")
        slow = compare(play_paths(testbed, options.orders, options.times), options.orders)
        weigh(testbed, f"orders-{max(options.orders)}", max(options.orders), "an order")
        grown = (
            memory.watch(testbed, minutes=options.minutes, per_s=options.per_s) if options.minutes else False
        )
    except (CannotStart, BenchmarkFailed) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        testbed.close()
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


def for_many_orders() -> dict[str, str]:
    """Return what a server with ten million orders is set to: memory for its indexes, and few checkpoints.

    Source: https://www.postgresql.org/docs/current/runtime-config-resource.html (a quarter of the machine's memory)
    """
    return {
        "shared_buffers": f"{psutil.virtual_memory().total // 4 // 2**20}MB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "30min",
    }


type Round = dict[str, list[float]]  # the milliseconds of every statement


def play_paths(testbed: Testbed, sizes: Sequence[int], times: int) -> list[list[Round]]:
    """Return the rounds at each size; the sizes take turns."""
    turns = max(times // ROUNDS, 1)
    for orders in sizes:
        testbed.make_database(f"orders-{orders}", like="pristine")
        fill(testbed, f"orders-{orders}", orders, waiting=ROUNDS * (turns + WARM_UP))
    played: list[list[Round]] = [[] for _ in sizes]
    for number in range(ROUNDS):
        for orders, rounds in zip(sizes, played, strict=True):
            rounds.append(_paths_at(testbed, orders, number * (turns + WARM_UP), turns))
    return played


def _paths_at(testbed: Testbed, orders: int, first: int, turns: int) -> Round:
    env = testbed.environment(f"orders-{orders}", DJANGO_SETTINGS_MODULE="estuary.config.settings")
    file = testbed.var / "paths.json"
    testbed.run(
        "paths", [PYTHON, "-m", "benchmarks.paths", str(orders), str(first), str(turns), str(file)], env
    )
    return read(file)


def fill(testbed: Testbed, database: str, orders: int, *, waiting: int) -> None:
    """Fill a database with fulfilled orders, by the statement of settling's limit, and ``waiting`` pending ones."""
    settle = SCRIPT.read_text().replace("LIMIT 100", f"LIMIT {CHUNK}")
    with testbed.connect(database) as connection:
        # A look at a tenth of the usual pages each time: of millions, no two lie together on the disk.
        connection.execute("SET default_statistics_target = 10")
        for first in range(1, orders + 1, CHUNK):
            last = min(first + CHUNK - 1, orders)
            market.fill(connection, last, first=first)
            market.fill_inbox(connection, last, first=first, slim=True)
            # Without statistics of the pending events the planner would join them row by row.
            connection.execute("ANALYZE orders_order, payments_webhookevent")
            connection.execute(settle)
            connection.execute("TRUNCATE procrastinate_jobs CASCADE")  # the mails are out
            print(f"\r{database}: {last:,} orders", end="", flush=True)
        market.fill(connection, orders + waiting, first=orders + 1)
    print()
    testbed.settle_down(database)


def compare(measured: Sequence[Sequence[Round]], orders: Sequence[int]) -> list[str]:
    """Print every statement's medians side by side; returns those that are slower than they may be, or not compared."""
    few, many = (_whole(rounds) for rounds in measured)
    slow = [statement for statement in sorted(few.keys() & many.keys()) if _is_slower(statement, *measured)]
    print(f"\n{'p50 ms at':>12} {orders[0]:>12,} {orders[1]:>12,}   ratio  statement")
    for statement in sorted(few.keys() & many.keys()):
        before, after = quantile(few[statement], 0.5), quantile(many[statement], 0.5)
        mark = "SLOWER" if statement in slow else ""
        print(f"{mark:12} {short(before):>12} {short(after):>12}   {after / before:5.2f}  {statement[:110]}")
    alone = sorted(few.keys() ^ many.keys())
    for statement in alone:
        print(f"  only at one size: {statement[:110]}")
    compared = len(few.keys() & many.keys())
    print(f"{len(slow)} of {compared} statements take more than {SLOWER_BY} times as long, round after round")
    return slow + alone


def _whole(rounds: Sequence[Round]) -> Round:
    return {name: [value for one in rounds for value in one.get(name, [])] for name in set().union(*rounds)}


def _is_slower(statement: str, few: Sequence[Round], many: Sequence[Round]) -> bool:
    """Return whether a statement's median has grown too much in most rounds that have both sizes."""
    pairs = [
        (before[statement], after[statement])
        for before, after in zip(few, many, strict=True)
        if statement in before and statement in after
    ]
    over = [quantile(after, 0.5) > quantile(before, 0.5) * SLOWER_BY for before, after in pairs]
    return sum(over) >= len(over) * SLOWER_IN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
