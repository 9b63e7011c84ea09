"""Measure the hot paths side by side: ``python -m benchmarks --rounds 5 --seconds 10 --only accept --write``."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import django

from benchmarks import accept, create, environments, fulfil, load, machine, report, settle
from benchmarks.contender import BenchmarkFailed, Contender
from benchmarks.rounds import play_rounds
from benchmarks.testbed import BENCH_VAR, Testbed
from demo.plan import CannotStart
from estuary.config.environment import BASE_DIR

GROUPS: dict[str, Callable[[Testbed], Sequence[Contender]]] = {
    "accept": accept.contenders,
    "fulfil": fulfil.contenders,
    "settle": settle.contenders,
    "create": create.contenders,
    "beside": create.beside,
}
PAGE = BASE_DIR / "docs" / "performance.md"


def main(arguments: Sequence[str]) -> int:
    options = read_arguments(arguments)
    _set_up_django()
    try:
        result = measure(options.only, rounds=options.rounds, seconds=options.seconds)
    except (CannotStart, BenchmarkFailed) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    _report(result, write=options.write)
    return 0


def measure(groups: Sequence[str], *, rounds: int, seconds: float) -> report.Result:
    """Start everything, run the rounds, stop everything; raises CannotStart or BenchmarkFailed."""
    load.find_wrk()
    testbed = Testbed()
    contenders: list[Contender] = []
    try:
        prepare_database(testbed)
        for group in groups:
            contenders += GROUPS[group](testbed)
        return report.Result(
            at=datetime.now(UTC),
            hardware=machine.hardware(),
            versions=machine.versions(testbed.version, **environments.versions()),
            rounds=rounds,
            seconds=seconds,
            groups={contender.name: contender.group for contender in contenders},
            samples=play_rounds(contenders, rounds=rounds, seconds=seconds),
        )
    finally:
        for contender in contenders:
            contender.close()
        testbed.close()


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the hot paths side by side.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each turn")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), metavar="MEASUREMENT")
    parser.add_argument("--write", action="store_true", help="the tables of docs/performance.md too")
    return parser.parse_args(arguments)


def prepare_database(testbed: Testbed) -> None:
    """Start PostgreSQL and migrate one database, which each measurement copies."""
    testbed.open()
    testbed.make_database("pristine")
    testbed.manage("pristine", "migrate", "--verbosity", "0")


def _set_up_django() -> None:
    """Load the product's settings, which its statements and table names need; no database is used."""
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    django.setup()
    logging.disable(logging.WARNING)  # the figures alone


def _report(result: report.Result, *, write: bool) -> None:
    text = report.tables(result)
    print(f"\n{text}\n\nKept in {report.keep(result, BENCH_VAR / 'results')}")
    if write:
        report.write_into(PAGE, text)
        print(f"Written into {PAGE}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
