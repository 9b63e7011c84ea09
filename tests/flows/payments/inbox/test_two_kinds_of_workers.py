"""Events and jobs in processes of their own: each does its part and leaves the other's alone."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework.test import APIClient

from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.flows.common.process.test_worker_process import Worker, alert
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.sandbox_bridge import post_all

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def worker(tmp_path: Path, only: str) -> Iterator[Worker]:
    """One of a kind, which ends in good order when it is told to."""
    started = Worker(tmp_path / f"{only}.log", database_url(), "--only", only)
    try:
        yield started
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(timeout=60) == 0
    finally:
        started.process.kill()
        started.process.wait()


def mails() -> int:
    return ProcrastinateJob.objects.filter(task_name="payments.send_mail").exclude(status="succeeded").count()


def test_one_worker_settles_the_events_and_another_does_the_jobs(
    stripe: Sandbox, buyer: APIClient, tmp_path: Path
) -> None:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    post_all(stripe)
    pending = WebhookEvent.objects.filter(status="pending")
    with worker(tmp_path, "jobs") as jobs:
        alert(jobs, "meanwhile")
    assert pending.exists() and status_of(order) == "pending"
    with worker(tmp_path, "events") as events:
        events.wait_until(lambda: not pending.exists(), "settling")
    assert (status_of(order), mails()) == ("completed", 1)
    with worker(tmp_path, "jobs") as jobs:
        jobs.wait_until(lambda: not mails(), "sending the mail")


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has it")
def test_mails_let_what_was_bought_go_first(tmp_path: Path) -> None:
    with worker(tmp_path, "events") as events, worker(tmp_path, "jobs") as jobs:
        for each in (events, jobs):
            each.wait_until(partial(each.has_logged, "ready"), "starting")
        policies = [os.sched_getscheduler(each.process.pid) for each in (events, jobs)]
    assert policies == [os.SCHED_OTHER, os.SCHED_BATCH]
