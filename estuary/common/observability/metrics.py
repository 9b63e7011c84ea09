"""The Prometheus metrics of what happens, and the response to a scrape. docs/reference/metrics.md explains each.

Gauges of the database are in payments/observability.py.

No label has a value that a caller chooses: calls, codes, states and endpoints are few and fixed in the code.
"""

import os
from collections import Counter as Counted
from collections.abc import Iterable, Sequence
from functools import partial
from hmac import compare_digest

from django.db import transaction
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call] # a third of all series, unused
# Counters of this process.
REGISTRY = CollectorRegistry()
# Levels that are queried from the database at each scrape.
SCRAPE_REGISTRY = CollectorRegistry()

# Like prometheus_client's own, but in our registry.
new_counter = partial(Counter, registry=REGISTRY)
new_histogram = partial(Histogram, registry=REGISTRY)

EVENTS_RECEIVED = new_counter("estuary_events_received", "Requests to the webhook.", ["type", "outcome"])
EVENTS_REFUSED = new_counter("estuary_events_refused", "Requests that the webhook refused.", ["reason"])
BATCH_SECONDS = new_histogram(
    "estuary_settle_batch_seconds",
    "Time to settle one batch of events, without its commit.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_EVENTS = new_histogram(
    "estuary_settle_batch_events", "Events in one batch.", buckets=(1, 2, 5, 10, 25, 50, 100, 200)
)
EVENTS_SETTLED = new_counter("estuary_events_settled", "Events that a worker has finished.", ["outcome"])
EVENT_SECONDS = new_histogram(
    "estuary_event_settled_seconds",
    "Time from the arrival of an event until its settlement is committed.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
STRIPE_CALL_SECONDS = new_histogram(
    "estuary_stripe_call_seconds",
    "Calls to Stripe.",
    ["call", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
JOB_SECONDS = new_histogram(
    "estuary_job_seconds",
    "Jobs of the worker.",
    ["job"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
)
JOBS_FAILED = new_counter("estuary_jobs_failed", "Jobs that raised an error.", ["job"])
TRANSITIONS = new_counter("estuary_order_transitions", "Transitions of orders.", ["before", "after"])
REFUNDS = new_counter("estuary_refunds", "Transitions of refunds.", ["origin", "status"])
REPLAYS = new_counter("estuary_idempotency_replays", "Requests answered with a stored response.")
THROTTLED = new_counter("estuary_throttled_requests", "Requests rejected by a rate limit.", ["limit", "code"])
REPLICA_READS = new_counter("estuary_replica_reads", "Reads that a replica may answer.", ["outcome"])
POOL_REQUESTS = new_counter("estuary_db_pool_requests", "Connections taken from a pool.", ["pool"])
POOL_WAITS = new_counter("estuary_db_pool_waits", "Requests that waited for a connection.", ["pool"])
POOL_WAIT_SECONDS = new_counter("estuary_db_pool_wait_seconds", "Total time of these waits.", ["pool"])
POOL_ERRORS = new_counter("estuary_db_pool_errors", "Requests that got no connection in time.", ["pool"])
POOL_BUSY_SECONDS = new_counter(
    "estuary_db_pool_busy_seconds", "Connections in use, integrated over time.", ["pool"]
)


def count_received(*, is_known_type: bool, is_new: bool) -> None:
    """Count a verified event: of a type that we handle or not, new or repeated."""
    EVENTS_RECEIVED.labels("known" if is_known_type else "other", "kept" if is_new else "repeated").inc()


def count_refused(code: str, reason: str) -> None:
    """Count a rejected request to the webhook, by the code of the error and by its reason."""
    EVENTS_RECEIVED.labels("none", code).inc()
    EVENTS_REFUSED.labels(reason).inc()


def count_settled(outcomes: Sequence[tuple[str, float]]) -> None:
    """Count finished events, each with its outcome and the seconds since its arrival."""
    for outcome, times in Counted(outcome for outcome, _ in outcomes).items():
        EVENTS_SETTLED.labels(outcome).inc(times)
    for _, seconds in outcomes:
        EVENT_SECONDS.observe(seconds)


def render_metrics() -> bytes:
    """Return all metrics in Prometheus's text format, of all processes that share PROMETHEUS_MULTIPROC_DIR."""
    counted = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(SCRAPE_REGISTRY)


def may_scrape(authorization: str, *, token: str) -> bool:
    """Return whether an ``Authorization`` header has our token; False while no token is set."""
    return bool(token) and compare_digest(authorization.encode(), f"Bearer {token}".encode())


type Labels = tuple[str, ...]


def count_after_commit(counter: Counter, labels: Iterable[Labels]) -> None:
    """Count each set of labels once, after the open transaction commits, or at once without a transaction."""
    if counted := Counted(labels):
        transaction.on_commit(partial(_inc, counter, counted), robust=True)


def _inc(counter: Counter, counted: Counted[Labels]) -> None:
    for labels, times in counted.items():
        counter.labels(*labels).inc(times)
