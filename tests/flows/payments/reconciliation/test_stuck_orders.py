"""Orders whose payment could not be begun, or is gone at Stripe: each ends, and gives back what it held."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = {"intent": "POST /v1/payment_intents", "checkout": "POST /v1/checkout/sessions"}
BOTH = pytest.mark.parametrize("payment_type", PATHS)

type Later = Callable[[float], Any]


def later(minutes: float) -> Any:
    """Let time pass, here and at Stripe."""
    return time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True)


@pytest.fixture
def seat(ana: Practitioner) -> ServiceSession:
    return make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=1)[0]


def wish_for(seat: ServiceSession, payment_type: str = "intent") -> Json:
    wish = {"service_session_id": str(seat.pk)}
    return {"service_id": str(seat.service_id), "payment_type": payment_type, "scheduling_data": wish}


def ended(seat: ServiceSession) -> bool:
    """Tell whether the one order is over and its seat on sale again."""
    seat.refresh_from_db()
    return (Order.objects.get().status, seat.taken) == ("canceled", 0)


def ways_to_pay(stripe: Sandbox) -> list[str]:
    store = stripe.state.store
    return [row["status"] for kept in (store.payment_intents, store.checkout_sessions) for row in kept]


@pytest.mark.exhaustive(one_in=3)
@BOTH
@pytest.mark.parametrize("minutes", [0.1, 3, 6, 14])
def test_an_order_that_stripe_did_not_hear_of_is_paid_by_asking_again_later(
    stripe: Sandbox, buyer: APIClient, maya: User, seat: ServiceSession, minutes: float, payment_type: str
) -> None:
    stripe.faults.add("timeout_before", PATHS[payment_type])
    assert buyer.post(buying.CREATE, wish_for(seat, payment_type)).status_code == 503
    with later(minutes):
        order = buying.create(signed_in(maya), **wish_for(seat, payment_type))
        pay(stripe, order)
    assert (status_of(order), Order.objects.count()) == ("completed", 1)


@pytest.mark.exhaustive(one_in=3)
@BOTH
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_before", "error_saved"])
def test_an_order_that_stripe_never_answered_for_ends_with_its_hold(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession, fault: str, payment_type: str
) -> None:
    stripe.faults.add(fault, PATHS[payment_type])
    assert buyer.post(buying.CREATE, wish_for(seat, payment_type)).status_code == 503
    with later(16):
        assert overdue.expire_orders() == 1
        assert ended(seat)
        settle_everything(stripe)
    assert set(ways_to_pay(stripe)) <= {"canceled", "expired"}


@BOTH
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_a_buyer_cancels_at_once_what_stripe_never_answered_for(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession, fault: str, payment_type: str
) -> None:
    stripe.faults.add(fault, PATHS[payment_type])
    assert buyer.post(buying.CREATE, wish_for(seat, payment_type)).status_code == 503
    answer = buyer.post(f"/api/v1/orders/{Order.objects.get().public_id}/cancel/")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert ended(seat)
    settle_everything(stripe)
    assert set(ways_to_pay(stripe)) <= {"canceled", "expired"}


def test_an_order_ends_although_stripe_was_down_before_the_customer_was_made(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession
) -> None:
    stripe.faults.add("timeout_before", "*", times=None)
    assert buyer.post(buying.CREATE, wish_for(seat)).status_code == 503
    with later(16):
        assert overdue.expire_orders() == 1
    assert ended(seat)


@BOTH
def test_what_stripe_refuses_ends_at_once_and_staff_are_told(
    stripe: Sandbox,
    buyer: APIClient,
    other: APIClient,
    seat: ServiceSession,
    mailoutbox: list[Any],
    settings: Any,
    payment_type: str,
) -> None:
    settings.STAFF_MAIL = "payments@estuary.example"
    stripe.faults.add("refuse", PATHS[payment_type], message="This account is closed.")
    problem = buying.refused(buyer, 409, "not_chargeable", **wish_for(seat, payment_type))
    assert "This account is closed." in problem["detail"]
    assert ended(seat)
    settle_everything(stripe)
    assert any("not_chargeable" in mail.subject for mail in mailoutbox)
    assert buying.create(other, **wish_for(seat, payment_type))["status"] == "pending"


def test_a_customer_whom_stripe_refuses_holds_nothing(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession
) -> None:
    stripe.faults.add("refuse", "POST /v1/customers", code="email_invalid", message="Invalid email address.")
    buying.refused(buyer, 409, "not_chargeable", **wish_for(seat))
    assert ended(seat)


def of_another_account(order: Json) -> None:
    """As if the keys were changed for those of another Stripe account."""
    if "checkout_url" in order:
        Order.objects.update(stripe_checkout_session_id="cs_test_of_another_account")
    else:
        Order.objects.update(stripe_payment_intent_id="pi_of_another_account")


@BOTH
@pytest.mark.parametrize("door", ["expiry", "cancel", "another wish"])
def test_an_order_whose_payment_is_gone_at_stripe_ends_by_every_door(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession, door: str, payment_type: str
) -> None:
    order = buying.create(buyer, **wish_for(seat, payment_type))
    there = order_of(order)
    of_another_account(order)
    if door == "expiry":
        with later(16):
            assert overdue.expire_orders() == 1
    elif door == "cancel":
        assert buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/").json()["status"] == "canceled"
    else:
        opposite = "checkout" if payment_type == "intent" else "intent"
        assert buying.create(buyer, **wish_for(seat, opposite))["order_id"] != order["order_id"]
    assert status_of(order) == "canceled"
    if payment_type == "intent":  # nobody may pay what we made here
        stripe.control.cancel(there.stripe_payment_intent_id)
    else:
        stripe.control.expire_checkout(there.stripe_checkout_session_id)


def test_rows_that_cannot_be_healed_hold_up_no_others(
    stripe: Sandbox,
    buyer: APIClient,
    other: APIClient,
    ana: Practitioner,
    seat: ServiceSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overdue, "BATCH", 1)
    stuck = buying.create(buyer, **wish_for(seat))
    healthy = buying.create(
        other, **wish_for(make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=12)[0])
    )
    stripe.faults.add("error_before", f"*/{order_of(stuck).stripe_payment_intent_id}*", times=None)
    with later(16):
        for _ in range(3):
            overdue.expire_orders()
        assert (status_of(stuck), status_of(healthy)) == ("pending", "canceled")
        stripe.faults.clear()
    with later(45):
        assert overdue.expire_orders() == 1
    assert status_of(stuck) == "canceled"
