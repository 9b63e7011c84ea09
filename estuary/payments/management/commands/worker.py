"""``manage.py worker``: drains the inbox of events and runs the jobs and the periodic sweep, until told to stop."""

import asyncio
import gc
import os
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
from estuary.payments.doctor.runner import ask
from estuary.payments.inbox.worker import InboxWorker
from estuary.payments.observability import observe_job

LOST_DATABASE_S, LOOK_S = 2.0, 0.2
CHECK_TIMEOUT_S = 5
ENDINGS = (signal.SIGTERM, signal.SIGINT)

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
        _stop_when_told(stop)
        if port := settings.WORKER_METRICS_PORT:
            db_pools.start_recording()
            metrics_server.serve(port, token=settings.METRICS_TOKEN, after_scrape=_close_connection)
        if options["only"] == "jobs":
            # Nobody waits for a mail as for what was bought.
            cpu_priority.lower_cpu_priority(leader=os.getpid())
        gc.freeze()  # what is loaded by now stays: to look through it for garbage again held events up for 80 ms
        if not settings.MAIL_SERVER_NAMED:
            log.warning(
                "no_mail_server", hint="Set EMAIL_URL: mails wait for three days at most (estuary.W003)."
            )
        draining = InboxWorker(stop)
        try:
            if options["only"] != "jobs":
                draining.start()
            self.stdout.write("Estuary worker: ready")
            self.stdout.flush()
            stop.wait() if options["only"] == "events" else run_jobs(options["concurrency"], stop)
        finally:
            stop.set()
            draining.join()

    def _check(self) -> None:
        """Ask what the doctor asks about workers; raises CommandError (exit code 1) when all have been silent."""
        try:
            breach = ask(WORKER_SILENT, at=clock.now(), timeout_s=CHECK_TIMEOUT_S)
        except DatabaseError as error:
            raise CommandError(f"The database can't be asked: {error}") from None
        if breach:
            objects = "; ".join(f"{name}, {wrong}" for name, wrong in breach.objects)
            raise CommandError(f"Not so: {breach.sentence} ({objects})")
        self.stdout.write("Estuary worker: working")


def _close_connection() -> None:
    """Give back the connection of the thread that asks, which is another one for each scrape."""
    connection.close()


def _stop_when_told(stop: threading.Event) -> None:
    """Let SIGTERM and Ctrl-C end the worker in good order; a second one ends it at once."""
    before = {ending: signal.getsignal(ending) for ending in ENDINGS}

    def end(number: int, frame: FrameType | None) -> None:
        for ending, handler in before.items():
            signal.signal(ending, handler)
        shutdown.request_shutdown()
        stop.set()

    for ending in ENDINGS:
        signal.signal(ending, end)


def run_jobs(concurrency: int, stop: threading.Event) -> None:
    """Run the jobs until told to stop; a lost database is waited for, however long it takes.

    Procrastinate's worker raises when it can't be reached, but when only its listening is lost it ends as if it had
    been told to: so it is started again whenever nobody has.
    """
    while not stop.is_set():
        try:
            with app.replace_connector(_connector()) as working:
                asyncio.run(_until_told(_run_jobs(working, concurrency), stop))
        except (
            ConnectorException,
            psycopg.OperationalError,
        ):  # the latter is its pool's, which can't be opened
            log.exception("worker_lost_the_database")
        if not stop.is_set():
            log.warning("worker_begins_anew")
            stop.wait(LOST_DATABASE_S)


def _connector() -> PsycopgConnector:
    """Return what listens for jobs: a listener needs PostgreSQL itself, which PgBouncer would hide."""
    alias = "direct" if settings.BEHIND_PGBOUNCER else DEFAULT_DB_ALIAS
    return PsycopgConnector(kwargs=connector_params(alias))


async def _run_jobs(working: App, concurrency: int) -> None:
    async with working.open_async():
        await working.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",  # what failed for good stays to be looked at
            worker_middleware=[observe_job],
        )


async def _until_told(work: Coroutine[Any, Any, None], stop: threading.Event) -> None:
    """Run until it ends or is told to; a job that is under way then is finished first."""
    running = asyncio.create_task(work)
    while not running.done() and not stop.is_set():
        await asyncio.wait([running], timeout=LOOK_S)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
