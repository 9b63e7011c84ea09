"""The worker's threads that settle the inbox: one always, and a second one while a backlog waits.

A batch that waits for the lock of an order holds up its own thread only.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import connection

from estuary.payments.inbox import processor

# An idle thread sleeps for a tenth of the time since the last event. While events come, a new one waits briefly;
# through a quiet night the thread looks four times a second.
IDLE_MIN_S, IDLE_MAX_S, IDLE_SHARE = 0.002, 0.25, 0.1
PAUSE_AFTER_FAILURE_S = 1.0

log = structlog.get_logger(__name__)


class InboxWorker:
    """Settles events until ``stop`` is set; ``join`` waits for the batches that are running.

    The first ``single_first`` events are settled singly: the previous process may have died over one of them.
    """

    def __init__(self, stop: threading.Event, *, single_first: int = processor.BATCH) -> None:
        self._stop, self._single_left = stop, single_first
        self._backlog = threading.Event()
        self._threads = [
            threading.Thread(target=self._drain_all, name="inbox"),
            threading.Thread(target=self._drain_backlog, name="inbox-backlog"),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        # Wakes the second thread, which then sees that it must stop.
        self._backlog.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _drain_all(self) -> None:
        """Drain until stopped; wait for a lost database as long as it takes."""
        self._drain_first()
        busy_until = time.monotonic()
        while not self._stop.is_set():
            if count := self._drain():
                busy_until = time.monotonic()
                if count == processor.BATCH:
                    self._backlog.set()
                continue
            idle_s = min(max((time.monotonic() - busy_until) * IDLE_SHARE, IDLE_MIN_S), IDLE_MAX_S)
            if idle_s == IDLE_MAX_S:
                # Returned to the pool, which detects a dead connection.
                connection.close()
            self._stop.wait(idle_s)
        connection.close()

    def _drain_first(self) -> None:
        """Settle the events that were waiting at the start singly, until none is left; wait for a lost database."""
        while self._single_left and not self._stop.is_set():
            count = self._drain(processor.drain_one)
            if count == 0:
                return
            self._single_left -= count or 0

    def _drain_backlog(self) -> None:
        """Drain while batches are full: Python works on one batch while PostgreSQL works on the other.

        Two threads at all times would settle smaller batches, and each batch has a fixed cost.
        """
        while not self._stop.is_set():
            self._backlog.wait()
            while not self._stop.is_set() and self._drain() == processor.BATCH:
                pass
            self._backlog.clear()
            connection.close()

    def _drain(self, drain: Callable[..., int] = processor.drain) -> int | None:
        """Settle one batch and return how many events were claimed; pause and return None when that failed."""
        try:
            return drain(stopping=self._stop.is_set)
        except Exception:
            log.exception("inbox_drain_failed")
            connection.close()
            self._stop.wait(PAUSE_AFTER_FAILURE_S)
            return None
