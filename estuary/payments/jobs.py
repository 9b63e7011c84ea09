"""What goes around every job of the worker: its name and number on each line of the log, and how long it took."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from procrastinate import JobContext
from procrastinate.worker import Worker
from structlog.contextvars import bound_contextvars

from estuary.common.observability import metrics


async def observed(run: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Run one job, observed (a middleware of procrastinate's worker)."""
    name = context.job.task_name.removeprefix("payments.")
    begun = perf_counter()
    with bound_contextvars(job=name, job_id=context.job.id):
        try:
            return await run()
        except Exception:
            metrics.JOBS_FAILED.labels(name).inc()
            raise
        finally:
            metrics.JOB_SECONDS.labels(name).observe(perf_counter() - begun)
