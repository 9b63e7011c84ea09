"""Metrics of the database pools, recorded every second by a thread.

Connections in use are added up over time, so that this metric is a counter too: see docs/decisions/0016-metrics.md.
"""

import threading
import time
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool

from estuary.common.observability import metrics

RECORD_INTERVAL_S = 1.0
COUNTERS_BY_STAT = {
    "requests_num": metrics.POOL_REQUESTS,
    "requests_queued": metrics.POOL_WAITS,
    "requests_errors": metrics.POOL_ERRORS,
}

type Pool = ConnectionPool[Any]

_extra_pools: dict[str, Pool] = {}


def register(name: str, pool: Pool) -> None:
    """Record a pool besides Django's own."""
    _extra_pools[name] = pool


def start_recording() -> None:
    threading.Thread(target=_record_forever, name="pools", daemon=True).start()


def _record_forever() -> None:
    before = time.monotonic()
    while True:
        time.sleep(RECORD_INTERVAL_S)
        now = time.monotonic()
        record_pools(seconds=now - before)
        before = now


def record_pools(*, seconds: float) -> None:
    """Count the activity of each pool since the last call, ``seconds`` ago."""
    django: dict[str, Pool] = DatabaseWrapper._connection_pools  # type: ignore[attr-defined] # none before the first use
    for name, pool in [*django.items(), *_extra_pools.items()]:
        stats = pool.pop_stats()
        for stat, counter in COUNTERS_BY_STAT.items():
            counter.labels(name).inc(stats.get(stat, 0))
        metrics.POOL_WAIT_SECONDS.labels(name).inc(stats.get("requests_wait_ms", 0) / 1000)
        in_use = stats["pool_size"] - stats["pool_available"]
        metrics.POOL_BUSY_SECONDS.labels(name).inc(in_use * seconds)
