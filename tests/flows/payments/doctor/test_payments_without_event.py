"""A payment that no event reports is named by the doctor, counted by a metric and shown to staff; a race is not."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.payments.doctor import DELIVERY, run_checks
from estuary.payments.models import WebhookEvent
from estuary.payments.observability import COUNT_PAYMENTS_WITHOUT_EVENT, count_payments_without_event
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.flows.payments.reconciliation.test_orphans import later, sweep_for
from tests.sandbox_bridge import post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LATE = timedelta(minutes=20)
FIGURE = "Payments without an event"


def named() -> list[str]:
    violations = run_checks(DELIVERY, at=clock.now()).violations
    return [name for violation in violations for name, _ in violation.objects]


def figure() -> tuple[str, bool]:
    page = admin_client("payments.view_webhookevent").get("/admin/")
    [shown] = [one for one in page.context["figures"] if one.name == FIGURE]
    return shown.value, shown.alarm


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_what_only_the_sweep_found_is_named_until_its_event_comes(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, payment_type=payment_type)
    pay_only(stripe, order)
    lost = stripe.take_deliveries()
    sweep_for(10)
    assert status_of(order) == "completed"
    assert (named(), count_payments_without_event()) == ([], 0)  # the event may still come
    with later(LATE):
        assert named() == [f"order {order['order_id']}"]
        assert count_payments_without_event() == 1
        assert figure() == ("1", True)
        for delivery in lost:
            stripe.control.resend(delivery.event_id)
        settle_everything(stripe)
        assert (named(), count_payments_without_event(), figure()) == ([], 0, ("0", False))
    with later(timedelta(hours=2)):
        assert count_payments_without_event() == 0


def test_a_sweep_that_was_merely_first_is_no_violation(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    waiting = stripe.take_deliveries()
    buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    assert status_of(order) == "completed"
    assert {post_event(delivery) for delivery in waiting} == {200}
    settle_everything(stripe)
    with later(LATE):
        assert (named(), count_payments_without_event()) == ([], 0)


def test_what_credits_paid_needs_no_event(stripe: Sandbox, buyer: APIClient, ana: Any) -> None:
    buying.buy_credits(stripe, buyer)
    with later(LATE):
        assert named() == []


@pytest.mark.parametrize(
    ("payment_type", "kind", "column"),
    [
        ("intent", "v1.payment_intent.succeeded", "stripe_payment_intent_id"),
        ("checkout", "v1.checkout.session.completed", "stripe_checkout_session_id"),
    ],
)
def test_a_thin_event_reports_a_payment_too(
    stripe: Sandbox, buyer: APIClient, payment_type: str, kind: str, column: str
) -> None:
    order = buying.credits(buyer, payment_type=payment_type)
    pay_only(stripe, order)
    stripe.take_deliveries()
    sweep_for(10)
    with later(LATE):
        assert count_payments_without_event() == 1
        at = clock.now()
        WebhookEvent.objects.create(
            stripe_event_id="evt_thin",
            type=kind,
            livemode=False,
            payload={"related_object": {"id": getattr(buying.order_of(order), column)}},
            status=WebhookEvent.Status.DONE,
            due_at=at,
            created_at=at,
            received_at=at,
        )
        assert (named(), count_payments_without_event()) == ([], 0)


def test_thin_events_are_read_once_for_all_payments() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(f"EXPLAIN {COUNT_PAYMENTS_WITHOUT_EVENT}", {"at": clock.now()})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Nested Loop" not in plan, plan
