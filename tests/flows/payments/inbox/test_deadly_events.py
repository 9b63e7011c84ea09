"""An event over which the process itself dies: nothing can be caught then, and all that was open is rolled back."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.payments import webhooks
from estuary.payments.errors import StripeUnavailable
from estuary.payments.inbox import leases, processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.sandbox_bridge import post_all, run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

DEADLY = "evt_deadly"
ROOT = Path(__file__).parents[4]
WORKER = f"""
import os, django
django.setup()
from django.core.management import call_command
from estuary.payments.inbox import processor
read = processor.read_event
processor.read_event = lambda payload: os._exit(7) if payload["id"] == "{DEADLY}" else read(payload)
call_command("worker", "--only", "events")
"""


class Died(BaseException):
    """Stands for the end of the process: no ``except Exception`` stops it."""


def put_in_deadly(**more: object) -> WebhookEvent:
    at = clock.now() - timedelta(minutes=1)
    return WebhookEvent.objects.create(
        stripe_event_id=DEADLY, type="payment_intent.succeeded", livemode=False, payload={"id": DEADLY},
        due_at=at, created_at=at, received_at=at, **more,
    )  # fmt: skip


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> WebhookEvent:
    read = webhooks.read_event

    def die(payload: dict[str, object]) -> object:
        if payload["id"] == DEADLY:
            raise Died
        return read(payload)

    monkeypatch.setattr(processor, "read_event", die)
    return put_in_deadly()


def lease_over() -> None:
    WebhookEvent.objects.filter(stripe_event_id=DEADLY).update(due_at=clock.now() - timedelta(minutes=1))


def test_once_its_try_was_counted_no_other_event_is_put_at_risk_with_it(
    stripe: Sandbox, buyer: APIClient, deadly: WebhookEvent
) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    post_all(stripe)
    with pytest.raises(Died):
        processor.drain()
    assert (status_of(order), WebhookEvent.objects.filter(attempts__gt=0).count()) == ("pending", 0)
    with pytest.raises(Died):
        processor.drain_one()
    lease_over()
    with pytest.raises(Died):
        processor.drain()
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")
    deadly.refresh_from_db()
    assert (deadly.status, deadly.attempts) == ("pending", 2)


def test_events_that_wait_behind_it_lose_no_try_and_come_first_the_next_time(
    stripe: Sandbox, buyer: APIClient, deadly: WebhookEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that fails is settled one by one: whoever dies over the first has begun none of the others."""
    order = buying.credits(buyer)
    pay_only(stripe, order)
    post_all(stripe)
    with monkeypatch.context() as failing:
        failing.setattr(processor, "_settle_batch", fail)
        with pytest.raises(Died):
            processor.drain()
        others = WebhookEvent.objects.exclude(pk=deadly.pk)
        assert (status_of(order), set(others.values_list("attempts", flat=True))) == ("pending", {0})
        WebhookEvent.objects.update(due_at=clock.now() - timedelta(minutes=1))
        with pytest.raises(Died):
            processor.drain()
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")
    assert set(others.values_list("attempts", "error")) == {(1, "")}


def fail(limit: int) -> None:
    raise ValueError("the batch can't be settled")


def test_an_attempt_that_never_ended_stays_marked_and_keeps_the_last_error(deadly: WebhookEvent) -> None:
    WebhookEvent.objects.update(error="KeyError: 'amount'", attempts=3)
    for tries in (4, 5):
        with pytest.raises(Died):
            processor.drain_one()
        deadly.refresh_from_db()
        assert (deadly.attempts, deadly.error) == (tries, "KeyError: 'amount'")
        assert deadly.attempt_started_at and deadly.attempt_started_at + leases.LEASE == deadly.due_at
        lease_over()
    assert processor.replay([deadly]) == 1
    deadly.refresh_from_db()
    assert (deadly.attempts, deadly.error, deadly.attempt_started_at) == (0, "", None)


@pytest.mark.parametrize("error", [KeyError("amount"), StripeUnavailable("no answer")])
def test_an_attempt_that_fails_or_succeeds_has_ended(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    event = put_in_deadly(attempt_started_at=clock.now())
    with monkeypatch.context() as failing:
        failing.setattr(processor, "read_event", raiser(error))
        assert processor.drain_one() == 1
        event.refresh_from_db()
        assert (event.status, event.attempt_started_at) == ("pending", None)
        assert event.error.startswith(type(error).__name__)
    WebhookEvent.objects.update(attempt_started_at=clock.now(), due_at=clock.now())
    monkeypatch.setattr(processor, "read_event", lambda *_: None)
    assert processor.drain() == 1
    event.refresh_from_db()
    assert (event.status, event.attempt_started_at) == ("ignored", None)


def raiser(error: Exception) -> Callable[[object], None]:
    def fail_to_read(payload: object) -> None:
        raise error

    return fail_to_read


def test_it_is_given_up_in_the_end_and_staff_are_told(
    deadly: WebhookEvent, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    for _ in range(processor.MAX_ATTEMPTS):
        with pytest.raises(Died):
            processor.drain_one()
        lease_over()
    assert processor.drain() == 1
    run_jobs()
    deadly.refresh_from_db()
    assert (deadly.status, deadly.attempts) == ("dead", processor.MAX_ATTEMPTS + 1)
    assert "the last one did not end" in deadly.error
    assert [mail for mail in mailoutbox if "event_dead" in mail.subject]


def test_a_worker_that_died_over_one_takes_up_the_first_events_alone_when_it_starts_again(
    transactional_db: None, stripe: Sandbox, buyer: APIClient
) -> None:
    """Two lives of a real worker: the one ends over the event that was claimed so often, the other gives it up."""
    order = buying.credits(buyer)
    pay_only(stripe, order)
    event = put_in_deadly(attempts=processor.MAX_ATTEMPTS - 1)
    post_all(stripe)
    assert live() == 7
    event.refresh_from_db()
    assert (event.status, event.attempts) == ("pending", processor.MAX_ATTEMPTS)
    lease_over()
    assert live() is None
    event.refresh_from_db()
    assert (event.status, status_of(order)) == ("dead", "completed")


def live() -> int | None:
    """Let a worker live until it dies, or until nothing waits; returns what it died with."""
    env = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "estuary.config.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], cwd=ROOT, env=env, start_new_session=True
    ) as worker:
        try:
            for _ in range(600):
                if not WebhookEvent.objects.filter(status="pending").exists():
                    return None
                try:
                    return worker.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
            raise AssertionError("the worker neither settled all nor died, within a minute")
        finally:
            worker.kill()
