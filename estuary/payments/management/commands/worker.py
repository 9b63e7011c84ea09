"""``manage.py worker``: processes the inbox and runs jobs and periodic jobs until it is stopped."""

import asyncio
import gc
import signal
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException

from estuary.common import clock
from estuary.common.observability import db_pools, metrics_server
from estuary.common.process import cpu_priority, shutdown
from estuary.payments.doctor.liveness import WORKER_SILENT
from estuary.payments.doctor.runner import run_check
from estuary.payments.inbox.worker import InboxWorker
from estuary.payments.observability import observe_job

RECONNECT_AFTER_S, STOP_CHECK_S = 2.0, 0.2
CHECK_TIMEOUT_S = 5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Settle Stripe's events as they arrive, and run jobs and the periodic sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency", type=int, default=settings.WORKER_JOBS, help="jobs at once (ESTUARY_WORKER_JOBS)"
        )
        parser.add_argument(
            "--only",
            choices=["events", "jobs"],
            help="leave the other to another process: neither waits then",
        )
        parser.add_argument(
            "--check", action="store_true", help="only tell whether a worker works (exit 0 or 1)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        stop = threading.Event()
        _install_signal_handlers(stop)
        if port := settings.WORKER_METRICS_PORT:
            db_pools.start_recording()
            metrics_server.serve(port, token=settings.METRICS_TOKEN, after_scrape=_close_connection)
        if options["only"] == "jobs":
            # Mails are less urgent than fulfilment.
            cpu_priority.lower_cpu_priority()
        # The loaded modules stay. Without this, each garbage collection delayed events by 80 ms.
        gc.freeze()
        if not settings.MAIL_SERVER_NAMED:
            log.warning(
                "no_mail_server", hint="Set EMAIL_URL: mails wait for three days at most (estuary.W003)."
            )
        inbox_worker = InboxWorker(stop)
        try:
            if options["only"] != "jobs":
                inbox_worker.start()
            self.stdout.write("Estuary worker: ready")
            self.stdout.flush()
            stop.wait() if options["only"] == "events" else run_jobs(options["concurrency"], stop)
        finally:
            stop.set()
            inbox_worker.join()

    def _check(self) -> None:
        """Check whether any worker is alive; raises CommandError (exit code 1) when all are silent."""
        try:
            violation = run_check(WORKER_SILENT, at=clock.now(), timeout_s=CHECK_TIMEOUT_S)
        except DatabaseError as error:
            raise CommandError(f"The database can't be asked: {error}") from None
        if violation:
            objects = "; ".join(f"{name}, {wrong}" for name, wrong in violation.objects)
            raise CommandError(f"Not so: {violation.sentence} ({objects})")
        self.stdout.write("Estuary worker: working")


def _close_connection() -> None:
    """Close the connection of the scraping thread: each scrape has a thread of its own."""
    connection.close()


def _install_signal_handlers(stop: threading.Event) -> None:
    """Let SIGTERM and Ctrl-C stop the worker in good order; a second signal ends it at once."""
    previous_handlers = {signal_number: signal.getsignal(signal_number) for signal_number in STOP_SIGNALS}

    def stop_in_order(number: int, frame: FrameType | None) -> None:
        for signal_number, handler in previous_handlers.items():
            signal.signal(signal_number, handler)
        shutdown.request_shutdown()
        stop.set()

    for signal_number in STOP_SIGNALS:
        signal.signal(signal_number, stop_in_order)


def run_jobs(concurrency: int, stop: threading.Event) -> None:
    """Run jobs until stopped; a lost database is waited for, however long it takes.

    Procrastinate's worker raises when the database can't be reached. When only its listening connection is lost, it
    ends as if it had been stopped, so it is started again.
    """
    while not stop.is_set():
        try:
            with app.replace_connector(_connector()) as running_app:
                asyncio.run(_run_until_stopped(_run_jobs(running_app, concurrency), stop))
        # OperationalError comes from its pool, when no connection can be opened.
        except (ConnectorException, psycopg.OperationalError):
            log.exception("worker_lost_the_database")
        if not stop.is_set():
            log.warning("worker_begins_anew")
            stop.wait(RECONNECT_AFTER_S)


def _connector() -> PsycopgConnector:
    """Return a connector to PostgreSQL itself: LISTEN does not work through PgBouncer."""
    alias = "direct" if settings.BEHIND_PGBOUNCER else DEFAULT_DB_ALIAS
    return PsycopgConnector(kwargs=connector_params(alias))


async def _run_jobs(running_app: App, concurrency: int) -> None:
    async with running_app.open_async():
        await running_app.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            # Failed jobs stay, for staff to look at.
            delete_jobs="successful",
            worker_middleware=[observe_job],
        )


async def _run_until_stopped(work: Coroutine[Any, Any, None], stop: threading.Event) -> None:
    """Run until the work ends or the worker is stopped; a running job is finished first."""
    task = asyncio.create_task(work)
    while not task.done() and not stop.is_set():
        await asyncio.wait([task], timeout=STOP_CHECK_S)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
