"""How the pools of database connections fare, taken down every second by a thread of its own.

Connections in use are added up over time, so that this too is a counter: see docs/decisions/0016-metrics.md.
"""

import threading
import time
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool

from estuary.common.observability import metrics

TAKEN_DOWN_EVERY_S = 1.0
STATS = {
    "requests_num": metrics.POOL_REQUESTS,
    "requests_queued": metrics.POOL_WAITS,
    "requests_errors": metrics.POOL_ERRORS,
}

type Pool = ConnectionPool[Any]

_others: dict[str, Pool] = {}


def register(name: str, pool: Pool) -> None:
    """Have a pool watched besides Django's own."""
    _others[name] = pool


def watch() -> None:
    """Begin to take down the pools of this process."""
    threading.Thread(target=_watch, name="pools", daemon=True).start()


def _watch() -> None:
    before = time.monotonic()
    while True:
        time.sleep(TAKEN_DOWN_EVERY_S)
        now = time.monotonic()
        take_down(seconds=now - before)
        before = now


def take_down(*, seconds: float) -> None:
    """Count what happened in each pool since the last time, which was so many seconds ago."""
    django: dict[str, Pool] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined] # none before the first use
    for name, pool in [*django.items(), *_others.items()]:
        stats = pool.pop_stats()
        for stat, counter in STATS.items():
            counter.labels(name).inc(stats.get(stat, 0))
        metrics.POOL_WAIT_SECONDS.labels(name).inc(stats.get("requests_wait_ms", 0) / 1000)
        in_use = stats["pool_size"] - stats["pool_available"]
        metrics.POOL_BUSY_SECONDS.labels(name).inc(in_use * seconds)
