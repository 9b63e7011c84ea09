"""Early fraud warnings and reviews: kept by their order, told to staff once, and shown in the admin."""

import itertools

import pytest
from django.core import mail
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.payments.inbox import processor
from estuary.payments.models import FraudNotice, WebhookEvent
from estuary.payments.reconciliation.stripe_lists import sync_unlisted_events
from stripe_sandbox import Delivery, Sandbox
from stripe_sandbox.inprocess import client as stripe_of
from tests.api.staff import admin_client
from tests.flows import buying
from tests.flows.buying import Json
from tests.sandbox_bridge import deliver, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

WARNED = "4000000000005423"


@pytest.fixture(autouse=True)
def mail_to_staff(settings: Settings) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"


def bought(
    stripe: Sandbox, buyer: APIClient, card: str = buying.FINE, amount: str = "100.00", **body: str
) -> Json:
    order = buying.credits(buyer, amount, **body)
    buying.pay(stripe, order, card)
    assert buying.status_of(order) == "completed"
    return order


def count_alerts(code: str) -> int:
    return sum(each.subject == f"[Estuary alert] {code}" for each in mail.outbox)


def intent_of(order: Json) -> str:
    return buying.order_of(order).stripe_payment_intent_id


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_warning_is_kept_by_its_order_and_told_to_staff_once(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = bought(stripe, buyer, WARNED, payment_type=payment_type)
    notice = FraudNotice.objects.get()
    assert (notice.order.public_id, notice.kind, notice.is_open) == (
        order["order_id"],
        "early_fraud_warning",
        True,
    )
    assert notice.reason == "made_with_stolen_card"
    assert count_alerts("fraud_warning") == 1
    assert buying.balance(buyer) == "100.00"  # nothing is taken for a warning
    staff = admin_client()
    page = staff.get(f"/admin/orders/order/{notice.order_id}/change/").content.decode()
    assert notice.stripe_notice_id in page and "to be decided" in page
    listed = staff.get("/admin/payments/fraudnotice/", {"standing": "open"}).content.decode()
    assert notice.stripe_notice_id in listed and order["order_id"] in listed
    overview = staff.get("/admin/").content.decode()
    assert "Fraud warnings and reviews" in overview


def test_a_full_refund_answers_a_warning_and_a_partial_one_does_not(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = bought(stripe, buyer, WARNED)
    buying.refund(staff, order, amount="40.00")
    settle_everything(stripe)
    assert FraudNotice.objects.get().is_open
    buying.refund(staff, order)
    settle_everything(stripe)
    assert not FraudNotice.objects.get().is_open
    assert count_alerts("fraud_warning") == 1


def test_a_review_is_opened_and_approved(stripe: Sandbox, buyer: APIClient) -> None:
    order = bought(stripe, buyer)
    stripe.control.open_review(intent_of(order))
    settle_everything(stripe)
    notice = FraudNotice.objects.get()
    assert (notice.kind, notice.is_open, notice.reason) == ("review", True, "rule")
    assert count_alerts("review_opened") == 1
    stripe.control.close_review(intent_of(order))
    settle_everything(stripe)
    notice.refresh_from_db()
    assert (notice.is_open, notice.closed_reason) == (False, "approved")
    page = admin_client().get(f"/admin/orders/order/{notice.order_id}/change/").content.decode()
    assert "approved" in page
    assert count_alerts("review_opened") == 1


def radar_deliveries(stripe: Sandbox) -> list[Delivery]:
    return [each for each in stripe.take_deliveries() if each.type.startswith(("radar.", "review."))]


def test_any_order_of_doubled_events_ends_the_same(stripe: Sandbox, buyer: APIClient) -> None:
    for number, order in enumerate(itertools.permutations(range(4))):
        purchase = bought(stripe, buyer, amount=f"{20 + number}.00")
        stripe.control.warn_of_fraud(intent_of(purchase))
        stripe.control.open_review(intent_of(purchase))
        stripe.control.dispute(intent_of(purchase))
        events = radar_deliveries(stripe)
        before = {code: count_alerts(code) for code in ("fraud_warning", "review_opened")}
        for position in [*order, *reversed(order)]:
            assert post_event(events[position]) == 200
            processor.drain()
        names = [each.event_id for each in events]
        processor.replay(list(WebhookEvent.objects.filter(stripe_event_id__in=names)))
        processor.drain()
        settle_everything(stripe)
        notices = FraudNotice.objects.filter(order__public_id=purchase["order_id"])
        assert sorted((notice.kind, notice.is_open, notice.closed_reason) for notice in notices) == [
            ("early_fraud_warning", False, ""),
            ("review", False, "disputed"),
        ]
        # Of what had ended before it was first heard of, nobody is told.
        for position, code in enumerate(before):
            came_open = order.index(position) < order.index(position + 2)
            assert count_alerts(code) - before[code] == came_open


def test_a_warning_that_comes_before_its_payment_finds_its_order(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, payment_type="checkout")
    buying.pay_only(stripe, order, WARNED)
    waiting = stripe.take_deliveries()
    [warning] = [each for each in waiting if each.type.startswith("radar.")]
    assert post_event(warning) == 200
    processor.drain()
    assert FraudNotice.objects.get().order.public_id == order["order_id"]
    for event in waiting:
        assert post_event(event) == 200
    settle_everything(stripe)
    processor.drain()
    assert (FraudNotice.objects.count(), buying.status_of(order)) == (1, "completed")
    assert count_alerts("fraud_warning") == 1


def test_a_warning_whose_event_was_lost_is_found(stripe: Sandbox, buyer: APIClient) -> None:
    order = bought(stripe, buyer)
    stripe.control.warn_of_fraud(intent_of(order))
    stripe.control.open_review(intent_of(order))
    stripe.control.lose_events()
    sync_unlisted_events()
    processor.drain()
    assert set(FraudNotice.objects.values_list("kind", flat=True)) == {"early_fraud_warning", "review"}


def test_a_warning_in_another_version_is_fetched(stripe: Sandbox, buyer: APIClient) -> None:
    order = bought(stripe, buyer)
    stripe.settings.default_version = "2025-03-31.basil"
    stripe.control.warn_of_fraud(intent_of(order))
    deliver(stripe)
    assert FraudNotice.objects.get().order.public_id == order["order_id"]


def test_a_warning_about_a_payment_of_nobody_is_told_to_staff(stripe: Sandbox) -> None:
    intent = stripe_of(stripe).v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    stripe.control.confirm(intent.id, card=WARNED)
    settle_everything(stripe)
    assert (FraudNotice.objects.count(), count_alerts("fraud_notice_of_unknown_payment")) == (0, 1)
