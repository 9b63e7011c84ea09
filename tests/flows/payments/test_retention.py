"""What only helped to do the work is forgotten after a while; what explains money never is."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.db import batch_delete
from estuary.common.process import shutdown
from estuary.orders.models import OrderTransition
from estuary.payments import retention, tasks
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import status_of
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.sandbox_bridge import post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def after(days: int) -> Any:
    return time_machine.travel(clock.now() + timedelta(days=days), tick=True)


NIGHTLY = (
    tasks.forget_old_keys,
    tasks.forget_old_attempts,
    tasks.forget_old_events,
    tasks.forget_old_sessions,
)


def kept() -> list[str]:
    return sorted(WebhookEvent.objects.values_list("status", flat=True))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_delete, "BATCH", 2)


def test_settled_events_are_forgotten_when_they_are_old_and_no_others(
    stripe: Sandbox, maya: User, buyer: APIClient, settings: Settings, small_batches: None
) -> None:
    buying.buy_credits(stripe, buyer, "50.00")
    first, second, *rest = WebhookEvent.objects.order_by("pk")
    WebhookEvent.objects.filter(pk=first.pk).update(status="dead")
    WebhookEvent.objects.filter(pk=second.pk).update(status="pending")
    with after(settings.EVENTS_KEPT_DAYS - 1):
        assert retention.delete_old_events() == 0
    with after(settings.EVENTS_KEPT_DAYS + 1):
        buying.buy_credits(stripe, signed_in(maya), "10.00")
        young = WebhookEvent.objects.count() - len(rest) - 2
        WebhookEvent.objects.filter(pk=second.pk).update(status="pending")
        assert retention.delete_old_events() == len(rest) > 2
        assert WebhookEvent.objects.count() == young + 2
        assert retention.delete_old_events() == 0
    assert {"dead", "pending"} <= set(kept())
    WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
    settle_everything(stripe)


def test_an_event_that_comes_again_after_it_was_forgotten_changes_nothing(
    stripe: Sandbox, buyer: APIClient, settings: Settings
) -> None:
    order = buying.credits(buyer, "50.00")
    buying.pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    for delivery in deliveries:
        assert post_event(delivery) == 200
    processor.drain()
    WebhookEvent.objects.update(received_at=clock.now() - timedelta(days=settings.EVENTS_KEPT_DAYS + 1))
    steps = OrderTransition.objects.count()
    assert retention.delete_old_events() == len(deliveries)
    for delivery in deliveries:
        assert post_event(delivery) == 200
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "50.00")
    assert OrderTransition.objects.count() == steps


def test_every_night_what_is_over_is_forgotten_and_sign_ins_too(
    stripe: Sandbox, maya: User, buyer: APIClient, settings: Settings
) -> None:
    from django.contrib.sessions.models import Session

    before = Session.objects.count()
    assert before > 0
    buying.buy_credits(stripe, buyer, "50.00")
    for forget in NIGHTLY:
        forget(timestamp=0)
    assert (Session.objects.count(), WebhookEvent.objects.count() > 0) == (before, True)
    with after(settings.EVENTS_KEPT_DAYS + 1):
        for forget in NIGHTLY:
            forget(timestamp=0)
        assert (Session.objects.count(), WebhookEvent.objects.count()) == (0, 0)


def test_a_worker_that_is_to_end_forgets_one_batch_more_and_the_next_night_the_rest(
    stripe: Sandbox,
    buyer: APIClient,
    settings: Settings,
    small_batches: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buying.buy_credits(stripe, buyer, "50.00")
    before = WebhookEvent.objects.count()
    assert before > 4
    with after(settings.EVENTS_KEPT_DAYS + 1):
        with monkeypatch.context() as ending:
            ending.setattr(shutdown, "is_shutting_down", lambda: True)
            tasks.forget_old_events(timestamp=0)
            assert WebhookEvent.objects.count() == before - 2
        tasks.forget_old_events(timestamp=0)
        assert WebhookEvent.objects.count() == 0


def test_what_somebody_holds_is_not_waited_for(stripe: Sandbox, buyer: APIClient, settings: Settings) -> None:
    buying.buy_credits(stripe, buyer, "50.00")
    held, *others = WebhookEvent.objects.order_by("pk")
    with after(settings.EVENTS_KEPT_DAYS + 1), psycopg.connect(database_url()) as somebody:
        somebody.execute("SELECT FROM payments_webhookevent WHERE id = %s FOR UPDATE", [held.pk])
        assert retention.delete_old_events() == len(others) > 0
    assert WebhookEvent.objects.get() == held
