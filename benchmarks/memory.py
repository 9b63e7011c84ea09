"""Memory of web server and worker under load over time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median

import psutil  # type: ignore[import-untyped]

from benchmarks import create, market
from benchmarks.accept import WEBHOOK
from benchmarks.contender import BenchmarkFailed
from benchmarks.load import CLIENTS, play, write_events
from benchmarks.testbed import BESIDE_A_WORKER, ESTUARY, Testbed
from benchmarks.weighing import weigh
from demo.processes import Child
from demo.servers import WORKER_COMMAND, says_ready

TURN_S = 60.0  # signatures are good for five minutes
REFUSED = 0.001  # at most: the disk of a shared machine may stand still for longer than an event may wait
FLAT = 1.05  # the last quarter, of the second: what is loaded once is loaded in the first


def watch(testbed: Testbed, *, minutes: float, per_s: float) -> bool:
    """Run the load, print the memory of both each turn, and return whether either has grown."""
    create.start_stripe(testbed)  # which the worker asks now and then
    testbed.make_database("memory", like="pristine")
    env = testbed.environment("memory")
    web, port = testbed.serve("memory", ESTUARY, env, processes=BESIDE_A_WORKER)
    worker = testbed.processes.start("worker", WORKER_COMMAND, env)
    testbed.processes.wait_for(lambda: says_ready(worker), "The worker")
    used: dict[str, list[float]] = {"web": [], "worker": []}
    started, turn_s = time.monotonic(), min(TURN_S, minutes * 60 / 8)
    borne = Borne()
    for turn in count():
        _bear(testbed, port, turn, borne, seconds=turn_s, per_s=per_s)
        if (
            waiting := testbed.count("memory", "payments_webhookevent WHERE status = 'pending'")
        ) > per_s * turn_s:
            raise BenchmarkFailed(f"{waiting:,} events wait: the worker does not keep up, or stands still")
        for name, child in (("web", web), ("worker", worker)):
            used[name].append(megabytes(child))
        passed = time.monotonic() - started
        print(
            f"{passed / 60:6.1f} min  web {used['web'][-1]:.0f} MB  worker {used['worker'][-1]:.0f} MB",
            flush=True,
        )
        if passed >= minutes * 60:
            break
    print(
        f"{borne.events:,} events, {borne.refused} of them refused, which Stripe sends again; "
        f"each with {borne.log_bytes / borne.events / 1024:.1f} KB of write-ahead log"
    )
    weigh(testbed, "memory", borne.events, "an event")
    if borne.refused > borne.events * REFUSED:
        raise BenchmarkFailed("too many events were refused to say how much memory they take")
    growths = {name: growth(values) for name, values in used.items()}
    print(
        "last quarter, of the second: " + ", ".join(f"{name} {value:.3f}" for name, value in growths.items())
    )
    return any(value > FLAT for value in growths.values())


@dataclass(slots=True)
class Borne:
    """The events received so far, and the WAL that PostgreSQL has written for them."""

    events: int = 0
    refused: int = 0
    log_bytes: int = 0


def _bear(testbed: Testbed, port: int, turn: int, borne: Borne, *, seconds: float, per_s: float) -> None:
    """Post events at a rate, each for an order of its own."""
    orders = int(per_s * seconds * 1.2) + CLIENTS
    first, last = turn * orders + 1, (turn + 1) * orders
    with testbed.connect("memory") as connection:
        market.fill(connection, last, first=first)
    write_events(testbed.var / "requests", WEBHOOK, port, range(first, last + 1))
    before = _log_bytes(testbed)
    played = play(testbed.var / "requests", port, seconds, apart_ms=1000 / per_s, strict=False)
    borne.log_bytes += _log_bytes(testbed) - before
    borne.events += played.answers
    borne.refused += played.refused + played.broken


def _log_bytes(testbed: Testbed) -> int:
    """Return the bytes of WAL that PostgreSQL has written so far."""
    with testbed.connect("memory") as connection:
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
    return int(str(row[0])) if row else 0


def megabytes(child: Child) -> float:
    """Return the memory of a process and its child processes."""
    process = psutil.Process(child.process.pid)
    held = sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
    return float(held) / 2**20


def growth(values: Sequence[float]) -> float:
    """Return the median of the last quarter divided by that of the second; 1 with too few values."""
    quarter = len(values) // 4
    if not quarter:
        return 1.0
    return median(values[-quarter:]) / median(values[quarter : 2 * quarter])
