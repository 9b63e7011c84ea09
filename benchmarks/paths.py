"""Everybody's paths, each played often while every statement is timed:
``python -m benchmarks.paths ORDERS FIRST TIMES FILE``.

Started by ``benchmarks.long`` on the database that it has filled.
"""

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import django
import psycopg

from benchmarks import buyers, staff, workers
from benchmarks.harness import open_harness

SAVEPOINT = re.compile(r'"s\d+_x\d+"')  # each has a name of its own
WARM_UP = 5  # times that do not count


def main(orders: int, first: int, times: int, file: Path) -> None:
    django.setup()
    took_ms: dict[str, list[float]] = defaultdict(list)
    harness = open_harness(orders)
    plays = (
        buyers.reading(harness)
        | buyers.buying(harness)
        | workers.settling(harness)
        | workers.by_the_clock(harness)
        | staff.looking(harness)
    )
    for name, play in plays.items():
        for turn in range(first, first + WARM_UP + times):
            with timing(name, took_ms if turn >= first + WARM_UP else defaultdict(list)):
                play(turn)
    file.write_text(json.dumps(took_ms))


def read(file: Path) -> dict[str, list[float]]:
    timings: dict[str, list[float]] = json.loads(file.read_text())
    return timings


@contextmanager
def timing(path: str, took_ms: dict[str, list[float]]) -> Iterator[None]:
    """Record the time of each statement, by path and by SQL text without values."""
    from django.db import connection

    def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        answer = execute(sql, params, many, context)
        with _answered(connection.connection):
            took_s = time.perf_counter() - started
        text = SAVEPOINT.sub("…", " ".join(sql.split()))
        took_ms[f"{path}: {text}"].append(took_s * 1000)
        return answer

    with connection.execute_wrapper(timed):
        yield


def _answered(connection: "psycopg.Connection[Any]") -> AbstractContextManager[object]:
    """Wait for the response to a pipelined statement: a nested pipeline synchronizes."""
    return connection.pipeline() if connection.pgconn.pipeline_status else nullcontext()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
