"""The worker's own queue: what ran is gone, and what a dead worker left behind is done by the next."""

from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.contrib.django.utils import connector_params

from estuary.notifications import staff_alerts
from estuary.payments import tasks

pytestmark = pytest.mark.django_db(transaction=True)


def die_with(task: str) -> None:
    """Leave a job behind as a worker does that was killed while it ran it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = %s", [task])


def revive() -> None:
    context: Any = SimpleNamespace(app=app)
    async_to_sync(tasks.revive_stalled_jobs.func)(context, 0)


def jobs() -> list[tuple[str, str]]:
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "status"))


def test_a_job_whose_worker_died_runs_again() -> None:
    staff_alerts.alert_staff("a_code", "Something to tell.")
    die_with("payments.alert_staff")
    revive()
    assert jobs() == [("payments.alert_staff", "todo")]


def test_a_periodic_job_whose_worker_died_frees_its_lock_for_the_next() -> None:
    tasks.expire_orders.defer(timestamp=1)
    die_with("payments.expire_orders")
    tasks.expire_orders.defer(timestamp=2)
    revive()
    assert jobs() == [("payments.expire_orders", "todo")]
    [left] = ProcrastinateJob.objects.all()
    assert (left.args, left.lock, left.queueing_lock) == ({"timestamp": 2}, "expire_orders", "expire_orders")


def test_what_a_worker_enqueues_is_part_of_its_transaction_too() -> None:
    """A worker that runs jobs has given procrastinate connections of its own to listen by: those are for jobs alone."""
    with app.replace_connector(PsycopgConnector(kwargs=connector_params())):
        with transaction.atomic():
            staff_alerts.alert_staff("taken_back", "Nobody shall hear of this.")
            transaction.set_rollback(True)
        with transaction.atomic():
            staff_alerts.alert_staff("told", "Somebody shall.")
    assert [job.args["code"] for job in ProcrastinateJob.objects.filter(status="todo")] == ["told"]
