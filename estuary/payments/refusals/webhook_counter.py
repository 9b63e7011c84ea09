"""Requests that the webhook refused are counted in memory, and stored once a minute by each process.

A bad request costs no query: anybody can send a hundred thousand of them. A process that dies loses the counts of its
last minute.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import Error, connection

from estuary.payments.models import Refusal
from estuary.payments.refusals.daily_counts import add_refusals

# The first refusal after a quiet minute is stored at once, so that a checkup can name it.
FIRST_DELAY_S, INTERVAL_S = 1.0, 60.0

log = structlog.get_logger(__name__)

type Counts = dict[str, tuple[int, datetime]]


def _store(counts: Counts) -> None:
    try:
        add_refusals(Refusal.Source.WEBHOOK, counts)
    finally:
        connection.close()


class WebhookCounter:
    """The counts of one process that are not stored yet, by reason; safe for all threads."""

    def __init__(self, store: Callable[[Counts], None] = _store) -> None:
        self._store = store
        self._counts: Counts = {}
        self._lock, self._has_counts = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, reason: str, at: datetime) -> None:
        with self._lock:
            self._add(reason, 1, at)
        self._has_counts.set()

    def _add(self, reason: str, times: int, at: datetime) -> None:
        count, last_at = self._counts.get(reason, (0, at))
        self._counts[reason] = (count + times, max(last_at, at))

    def flush(self) -> None:
        """Store what was counted; without a database it is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            self._store(counts)
        except Error as error:
            log.warning("refusals_not_stored", error_type=type(error).__name__)
            with self._lock:
                for reason, (times, last_at) in counts.items():
                    self._add(reason, times, last_at)
            self._has_counts.set()

    def flush_in_background(self) -> None:
        """Store the counts from a thread of this process from now on: once a minute at most."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._has_counts.wait()
            time.sleep(FIRST_DELAY_S)
            self._has_counts.clear()
            self.flush()
            time.sleep(INTERVAL_S - FIRST_DELAY_S)


WEBHOOK_COUNTER = WebhookCounter()
