"""A thread in each web process that checks whether the replica keeps up with the primary."""

import threading
import time
from typing import Any

import psycopg
import structlog
from django.conf import settings

from estuary.common.postgresql.connect_timeouts import CONNECT_TIMEOUTS

# How stale a read from the replica may be.
MAX_LAG_S = 5.0
POLL_INTERVAL_S = 0.5
SELECT_WRITTEN_LSN = "SELECT pg_current_wal_lsn()"
SELECT_HAS_REPLAYED = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn"

log = structlog.get_logger(__name__)


class ReplicaMonitor(threading.Thread):
    """Compares the primary's WAL position with what the replica has replayed.

    1. Read the primary's position at time t.
    2. Ask the replica until it has replayed that position.
    3. Use the replica until t + MAX_LAG_S.

    This needs no synchronized clocks and no traffic. Nothing extends the time while the replica lags, is cut off,
    hangs, or is no replica.
    """

    def __init__(self) -> None:
        super().__init__(name="replica", daemon=True)
        self._keeps_up_until = 0.0
        self._mark: tuple[float, Any] | None = None
        self._logged_behind = False
        self._stopped = threading.Event()

    @property
    def is_behind(self) -> bool:
        return time.monotonic() >= self._keeps_up_until

    def mark_unhealthy(self, error: Exception) -> None:
        """Stop using the replica until the next successful check: a query on it failed."""
        self._keeps_up_until = 0.0
        self._log_change(error)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                with (
                    _connect(settings.DATABASE_URL) as primary,
                    _connect(settings.DATABASE_REPLICA_URL) as replica,
                ):
                    self._compare_until_stopped(primary, replica)
            except psycopg.Error as error:
                # The next connection may lead to another primary.
                self._mark = None
                self._log_change(error)
            self._stopped.wait(POLL_INTERVAL_S)

    def _compare_until_stopped(self, primary: psycopg.Connection, replica: psycopg.Connection) -> None:
        while not self._stopped.is_set():
            at, written = self._mark = self._mark or (
                time.monotonic(),
                _fetch_value(primary, SELECT_WRITTEN_LSN),
            )
            if _fetch_value(replica, SELECT_HAS_REPLAYED, written):  # null on a server that is no replica
                self._keeps_up_until, self._mark = at + MAX_LAG_S, None
            self._log_change()
            self._stopped.wait(POLL_INTERVAL_S)

    def _log_change(self, error: Exception | None = None) -> None:
        """Log once when the replica falls behind, and once when it catches up."""
        if (behind := self.is_behind) is self._logged_behind:
            return
        self._logged_behind = behind
        if behind:
            log.warning("replica_left_alone", error_type=type(error).__name__ if error else None)
        else:
            log.info("replica_in_use")


def _connect(url: str) -> psycopg.Connection:
    """Connect outside the pools: a full pool must not look like a lagging replica."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=None, **CONNECT_TIMEOUTS)


def _fetch_value(connection: psycopg.Connection, statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values or None).fetchone()
    return row[0] if row else None
