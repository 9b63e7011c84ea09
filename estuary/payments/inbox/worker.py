"""The threads of a worker that settle the inbox: one always, and a second while more waits than one can take."""

import sys
import threading
import time
from collections.abc import Callable

import structlog
from django.db import connection

from estuary.payments.inbox import processor

# How long an idle drain sleeps before it looks again: a tenth of the time for which nothing has come, so that an event
# waits briefly while others come, and a quiet night costs four looks a second.
IDLE_MIN_S, IDLE_MAX_S, IDLE_SHARE = 0.002, 0.25, 0.1
PAUSE_AFTER_FAILURE_S = 1.0
# After each answer of PostgreSQL a drain waits for its turn, and a mail that is being written would keep it for 5 ms,
# which is what Python grants. Two drains take long turns: for them it is the throughput that counts.
SWITCH_S, SWITCH_OF_TWO_S = 0.0001, 0.005

log = structlog.get_logger(__name__)


class InboxWorker:
    """Drains until ``stop`` is set; ``join`` then waits for the batches that are under way.

    The first ``alone`` events are settled one by one: the process before may have died over one of them.
    """

    def __init__(self, stop: threading.Event, *, alone: int = processor.BATCH) -> None:
        self._stop, self._alone = stop, alone
        self._backlog = threading.Event()
        self._switch_before_s = sys.getswitchinterval()
        self._threads = [
            threading.Thread(target=self._drain_all, name="inbox"),
            threading.Thread(target=self._drain_backlog, name="inbox-backlog"),
        ]

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_S)
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self._backlog.set()  # who waits for one looks whether to stop
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        sys.setswitchinterval(self._switch_before_s)

    def _drain_all(self) -> None:
        """Drain whatever comes; a lost database is waited for, however long it takes."""
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
                connection.close()  # back to the pool, which notices when it has died
            self._stop.wait(idle_s)
        connection.close()

    def _drain_first(self) -> None:
        """Settle what waits from before one by one, until there is nothing; a lost database is waited for."""
        while self._alone and not self._stop.is_set():
            count = self._drain(processor.drain_one)
            if count == 0:
                return
            self._alone -= count or 0

    def _drain_backlog(self) -> None:
        """Drain while batches are full: Python works on one while PostgreSQL works on the other.

        Only then, as two who share what just came in would write it in smaller batches, each of which costs more.
        """
        while not self._stop.is_set():
            self._backlog.wait()
            sys.setswitchinterval(SWITCH_OF_TWO_S)
            while not self._stop.is_set() and self._drain() == processor.BATCH:
                pass
            self._backlog.clear()
            sys.setswitchinterval(SWITCH_S)
            connection.close()

    def _drain(self, drain: Callable[..., int] = processor.drain) -> int | None:
        """Settle one batch, and return how many events were taken up; None when that failed, after a while."""
        try:
            return drain(stopping=self._stop.is_set)
        except Exception:
            log.exception("inbox_drain_failed")
            connection.close()
            self._stop.wait(PAUSE_AFTER_FAILURE_S)
            return None
