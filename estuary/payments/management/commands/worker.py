"""``manage.py worker``: drains the inbox of events and runs the jobs and the periodic sweep, until told to stop."""

import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from estuary.payments import inbox

IDLE_MIN_S, IDLE_MAX_S = (
    0.02,
    0.25,
)  # how long an idle drain sleeps: it backs off, and wakes at the first event

LOST_DATABASE_S = 2.0

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Settle Stripe's events as they arrive, and run jobs and the periodic sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=2, help="jobs at once (default 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        drainer = threading.Thread(target=drain_until, args=(stop,), name="inbox")
        drainer.start()
        self.stdout.write("Estuary worker: ready")
        self.stdout.flush()
        try:
            run_jobs(options["concurrency"])
        finally:
            stop.set()
            drainer.join()


def run_jobs(concurrency: int) -> None:
    """Run the jobs until told to stop; a lost database is waited for, however long it takes."""
    while True:
        try:
            with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
                working.run_worker(
                    concurrency=concurrency,
                    install_signal_handlers=True,
                    delete_jobs="successful",  # what failed for good stays to be looked at
                )
            return
        except ConnectorException:
            log.exception("worker_lost_the_database")
            time.sleep(LOST_DATABASE_S)


def drain_until(stop: threading.Event) -> None:
    """Drain the inbox until told to stop; what is claimed is finished first, and a lost database is waited for."""
    idle_s = IDLE_MIN_S
    while not stop.is_set():
        try:
            idle_s = IDLE_MIN_S if inbox.drain() else min(idle_s * 1.5, IDLE_MAX_S)
        except Exception:
            log.exception("inbox_drain_failed")
            idle_s = 1.0
        finally:
            connection.close()
        stop.wait(idle_s)
