"""The worker's tasks as procrastinate knows them, whichever app they are of, and how often the periodic ones run."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from procrastinate.contrib.django import app

BEGIN = datetime(2030, 1, 7, tzinfo=UTC)
# Procrastinate's own; it is asynchronous, and asks which workers' hearts beat.
OF_THE_WORKER = {"payments.revive_stalled_jobs"}


def task_named(name: str) -> Any:
    """Return the task that a job names; raises KeyError where the worker would not find it either."""
    return app.tasks[name]


def periodic_tasks() -> list[tuple[float, Callable[[int], None]]]:
    """Return each periodic task with the seconds between its runs, the most frequent first."""
    registered: list[Any] = list(app.periodic_registry.periodic_tasks.values())
    tasks = [
        (_interval_s(one.croniter), one.task) for one in registered if one.task.name not in OF_THE_WORKER
    ]
    return sorted(tasks, key=lambda pair: (pair[0], str(pair[1].name)))


def retry_after_s(task: Any, error: Exception, attempts: int) -> float | None:
    """Return how long the task's own strategy waits after a failure, or None when it gives up."""
    if task.retry_strategy is None:
        return None
    job = SimpleNamespace(attempts=attempts)
    decision = task.retry_strategy.get_retry_decision(exception=error, job=job)
    if decision is None:
        return None
    # The strategy reckons from the time of day; whole seconds, so that a scenario is the same each time.
    return float(round((decision.retry_at - datetime.now(UTC)).total_seconds()))


def _interval_s(schedule: Any) -> float:
    schedule.set_current(BEGIN)
    first, second = schedule.get_next(float), schedule.get_next(float)
    return float(second - first)
