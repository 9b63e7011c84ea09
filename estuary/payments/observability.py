"""Metrics of payments: gauges read from the database at a scrape, counters after a commit, and timed jobs."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from threading import Lock
from time import perf_counter
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from procrastinate import JobContext
from procrastinate.worker import Worker
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.contextvars import bound_contextvars

from estuary.common import clock
from estuary.common.observability import metrics
from estuary.common.observability.metrics import count_after_commit
from estuary.orders.models import OrderTransition
from estuary.payments.models import Refund, WebhookEvent
from estuary.payments.models.events import NO_EVENT_REPORTS_PAYMENT

# All scrapes within this time get the same values.
CACHE_S = 5.0
TIMEOUT_S = 2
# Counting more takes longer than the timeout, and a long backlog would have no metrics at all.
MAX_PENDING_COUNTED = 100_000
MAX_PAYMENTS_LOOKED_AT = 1000

# The name and help text of each column of GAUGE_QUERY.
GAUGES = (
    ("estuary_inbox_pending", "Events that wait to be settled; 100,000 stands for more."),
    ("estuary_inbox_oldest_seconds", "How long the oldest event that is not settled has waited."),
    ("estuary_inbox_dead", "Events that were given up: a person must look."),
    ("estuary_live_holds", "Unpaid orders that hold what they are for."),
    (
        "estuary_holds_overdue_seconds",
        "How long the hold has been over that ended first and is not released.",
    ),
    ("estuary_refunds_unsent", "Refunds that are still to be sent to Stripe."),
    ("estuary_refunds_unsent_oldest_seconds", "How long the oldest of them has waited."),
    ("estuary_disputes_open", "Disputes that are not decided."),
    (
        "estuary_lookout_oldest_seconds",
        "How long ago the worker last looked through Stripe's lists, the oldest.",
    ),
    (
        "estuary_payments_without_event",
        "Of a thousand payments of the last hour at most: those that no event of Stripe has reported.",
    ),
)
REACHABLE = "estuary_database_reachable"
# From an hour and a quarter ago until a quarter ago: younger ones may still get their event.
COUNT_PAYMENTS_WITHOUT_EVENT = f"""
    SELECT count(*) FROM (
        SELECT captured_minor, stripe_payment_intent_id, stripe_checkout_session_id FROM orders_order
        WHERE paid_at > %(at)s - interval '75 minutes' AND paid_at < %(at)s - interval '15 minutes'
          AND cancel_reason <> 'recovered'
        LIMIT {MAX_PAYMENTS_LOOKED_AT}) o
    WHERE {NO_EVENT_REPORTS_PAYMENT}"""  # noqa: S608 (ours)
GAUGE_QUERY = f"""
    SELECT inbox.count, inbox.first, dead.count, holds.count, holds.first, unsent.count, unsent.first,
           disputes.count, lookout.first, unreported.count
    FROM (SELECT count(*), extract(epoch FROM %(at)s - min(received_at)) AS first
          FROM (SELECT received_at FROM payments_webhookevent WHERE status = 'pending'
                ORDER BY due_at, id LIMIT %(counted)s) waiting) inbox,
         (SELECT count(*) FROM payments_webhookevent WHERE status = 'dead') dead,
         (SELECT count(*), extract(epoch FROM %(at)s - min(expires_at)) AS first
          FROM orders_order WHERE status IN ('pending', 'failed')) holds,
         (SELECT count(*), extract(epoch FROM %(at)s - min(created_at)) AS first
          FROM payments_refund WHERE status = 'requested') unsent,
         (SELECT count(*) FROM payments_dispute WHERE closed_at IS NULL) disputes,
         (SELECT extract(epoch FROM %(at)s - min(greatest(looked_until, looked_at))) AS first
          FROM payments_lookout) lookout,
         ({COUNT_PAYMENTS_WITHOUT_EVENT}) unreported"""  # noqa: S608 (ours)

log = structlog.get_logger(__name__)


class DatabaseGauges(Collector):
    """Reads all gauges with one query, at most every few seconds; without a database it reports only that."""

    def __init__(self) -> None:
        self._lock, self._read_at, self._values = Lock(), float("-inf"), None

    _values: list[float] | None

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not query the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= CACHE_S:
                self._values, self._read_at = _query_gauges(), time.monotonic()
            values = self._values
        yield GaugeMetricFamily(REACHABLE, "Whether the database answered.", value=float(values is not None))
        for (name, documentation), value in zip(GAUGES, values or [], strict=False):
            yield GaugeMetricFamily(name, documentation, value=value)

    def forget(self) -> None:
        """Make the next scrape query again."""
        self._read_at = float("-inf")


def _query_gauges() -> list[float] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{TIMEOUT_S}s'")
            cursor.execute(GAUGE_QUERY, {"at": clock.now(), "counted": MAX_PENDING_COUNTED})
            row: tuple[Any, ...] = cursor.fetchone()
    except DatabaseError as error:
        log.warning("gauges_not_asked", error_type=type(error).__name__)
        return None
    # No waiting row means an age of 0.
    return [max(float(value or 0), 0.0) for value in row]


DATABASE_GAUGES = DatabaseGauges()


def count_payments_without_event() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_PAYMENTS_WITHOUT_EVENT, {"at": clock.now()})
        return int(cursor.fetchone()[0])


def count_transitions(rows: Iterable[OrderTransition]) -> None:
    count_after_commit(metrics.TRANSITIONS, ((row.before, row.after) for row in rows))


def count_refunds(rows: Iterable[Refund]) -> None:
    count_after_commit(metrics.REFUNDS, ((row.origin, row.status) for row in rows))


def count_settled_events(rows: Sequence[WebhookEvent]) -> None:
    """Count settled events, and the time of each from its arrival to the commit."""
    settled = [(row.status, row.received_at) for row in rows if row.settled_at]
    transaction.on_commit(partial(_count_settled, settled), robust=True)


def _count_settled(settled: Iterable[tuple[str, datetime]]) -> None:
    at = clock.now()
    metrics.count_settled([(status, (at - received_at).total_seconds()) for status, received_at in settled])


async def observe_job(run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Run one job with its log context, and measure it (a middleware of procrastinate's worker)."""
    name = context.job.task_name.removeprefix("payments.")
    started_at = perf_counter()
    with bound_contextvars(job=name, job_id=context.job.id):
        try:
            return await run()
        except Exception:
            metrics.JOBS_FAILED.labels(name).inc()
            raise
        finally:
            metrics.JOB_SECONDS.labels(name).observe(perf_counter() - started_at)
