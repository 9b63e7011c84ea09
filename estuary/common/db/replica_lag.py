"""Whether the replica keeps up with the primary, looked after by a thread of its own in each web process."""

import threading
import time
from typing import Any

import psycopg
import structlog
from django.conf import settings

from estuary.common.postgresql.connecting import CONNECT_TIMEOUTS

MAX_LAG_S = 5.0  # how old an answer of the replica may be
POLL_INTERVAL_S = 0.5
SELECT_WRITTEN_LSN = "SELECT pg_current_wal_lsn()"
SELECT_HAS_REPLAYED = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn"

log = structlog.get_logger(__name__)


class ReplicaMonitor(threading.Thread):
    """Marks how far the primary has written, and asks the replica until it has come there.

    So neither clocks nor traffic matter. What the replica said counts for LAG_S from the mark on, and nothing renews it
    while the replica lags, is cut off, hangs, or is no replica at all.
    """

    def __init__(self) -> None:
        super().__init__(name="replica", daemon=True)
        self._keeps_up_until = 0.0
        self._mark: tuple[float, Any] | None = None
        self._said_behind = False
        self._over = threading.Event()

    @property
    def is_behind(self) -> bool:
        return time.monotonic() >= self._keeps_up_until

    def mark_unhealthy(self, error: Exception) -> None:
        """Leave the replica alone until the next look: something was asked of it in vain."""
        self._keeps_up_until = 0.0
        self._tell(error)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                with (
                    _connect(settings.DATABASE_URL) as primary,
                    _connect(settings.DATABASE_REPLICA_URL) as replica,
                ):
                    self._look_again_and_again(primary, replica)
            except psycopg.Error as error:
                self._mark = None  # of a primary that may be another one by now
                self._tell(error)
            self._over.wait(POLL_INTERVAL_S)

    def _look_again_and_again(self, primary: psycopg.Connection, replica: psycopg.Connection) -> None:
        while not self._over.is_set():
            at, written = self._mark = self._mark or (
                time.monotonic(),
                _fetch_value(primary, SELECT_WRITTEN_LSN),
            )
            if _fetch_value(
                replica, SELECT_HAS_REPLAYED, written
            ):  # null where nothing is replayed: that is no replica
                self._keeps_up_until, self._mark = at + MAX_LAG_S, None
            self._tell()
            self._over.wait(POLL_INTERVAL_S)

    def _tell(self, error: Exception | None = None) -> None:
        """Log that it fell behind, or caught up, once each."""
        if (behind := self.is_behind) is self._said_behind:
            return
        self._said_behind = behind
        if behind:
            log.warning("replica_left_alone", error_type=type(error).__name__ if error else None)
        else:
            log.info("replica_in_use")


def _connect(url: str) -> psycopg.Connection:
    """Connect outside the pools: when they are full, the replica must not seem to lag."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=None, **CONNECT_TIMEOUTS)


def _fetch_value(connection: psycopg.Connection, statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values or None).fetchone()
    return row[0] if row else None
