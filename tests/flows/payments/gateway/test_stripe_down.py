"""A Stripe that is down for a day, or refuses our key: buyers are told at once, and nothing is lost or ended unseen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe as sdk
import time_machine
from django.conf import settings as configured
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import client, tasks
from estuary.payments.gateway import deadline
from estuary.payments.gateway.http import DeadlineAdapter
from estuary.payments.models import PaymentMethod, Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import CHALLENGED, CREATE, DECLINED, METHODS, Json, pay, status_of
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CREDITS = {"is_credit_purchase": True, "amount": "20.00"}
A_BUYER_WAITS_S = 5
LONGER_THAN_ANYONE_WAITS_S = 3600


def later(wait: timedelta) -> Any:
    return time_machine.travel(clock.now() + wait, tick=True)


def sweep_once() -> None:
    tasks.expire_orders(0)
    tasks.sweep_minute(0)
    tasks.ask_stripe(0)
    run_jobs()


def requests_of(buyer: APIClient, staff: APIClient, paid: Json, open_: Json, card: str) -> dict[str, Any]:
    """Everything that a person may ask for and that asks Stripe, each as it is sent."""
    body = CREDITS | {"amount": "30.00"}
    return {
        "a new payment": lambda: buyer.post(CREATE, body),
        "a new page": lambda: buyer.post(CREATE, body | {"amount": "31.00", "payment_type": "checkout"}),
        "a saved card": lambda: buyer.post(CREATE, body | {"payment_method_id": card}),
        "the same again": lambda: buyer.post(CREATE, CREDITS),
        "a card to save": lambda: buyer.post(f"{METHODS}setup/"),
        "a cancellation": lambda: buyer.post(f"/api/v1/orders/{open_['order_id']}/cancel/"),
        "a look": lambda: buyer.post(f"/api/v1/orders/{open_['order_id']}/sync/"),
        "a refund": lambda: staff.post(f"/api/v1/orders/{paid['order_id']}/refunds/", {"amount": "1.00"}),
    }


def test_whatever_is_asked_for_a_stripe_that_does_not_answer_costs_five_seconds_at_most(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    paid = buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    open_ = buying.credits(buyer, "20.00")
    stripe.faults.add("slow", "*", times=None, seconds=LONGER_THAN_ANYONE_WAITS_S)
    for what, ask in requests_of(buyer, staff, paid, open_, card["id"]).items():
        before = len(stripe.requests)
        answer = ask()
        waited_s = (len(stripe.requests) - before) * deadline.REQUEST_BUDGET_S
        assert 0 < waited_s <= A_BUYER_WAITS_S, (what, waited_s)
        if what == "a refund":
            assert (answer.status_code, answer.json()["status"]) == (201, "requested")  # kept, and sent later
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "payment_service_unavailable"), what
            assert int(answer["Retry-After"]) > 0
    stripe.faults.clear()
    for order in Order.objects.filter(status="pending"):
        assert buyer.post(f"/api/v1/orders/{order.public_id}/cancel/").status_code == 200
    settle_everything(stripe)


def test_these_are_the_timeouts_that_stripe_is_called_with(stripe: Sandbox, settings: Settings) -> None:
    settings.STRIPE_HTTP_CLIENT = ""
    client._client.cache_clear()
    noting: Any = client._client()._requestor._get_http_client()
    real = noting._inner
    assert isinstance(real, sdk.RequestsClient)
    connections: Any = real._session
    assert isinstance(connections.get_adapter("https://api.stripe.com"), DeadlineAdapter)
    timeout = deadline.timeout()
    assert (timeout.connect_timeout, timeout.total) == (deadline.CONNECT_TIMEOUT_S, deadline.REQUEST_BUDGET_S)
    assert client._client()._requestor._options.max_network_retries == 0
    client._client.cache_clear()


def test_while_stripe_is_down_for_a_day_nothing_is_lost_and_when_it_is_back_all_holds_end(
    stripe: Sandbox, buyer: APIClient, other: APIClient, maya: User, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=2)
    wish = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(seat.pk)}}
    held = buying.create(other, **wish)
    paid = buying.credits(buyer, "50.00")
    buying.pay_only(stripe, paid)
    stripe.control.lose_events()
    stripe.faults.add("timeout_before", "*", times=None)
    assert buyer.post(CREATE, wish).status_code == 503  # a hold that Stripe has never heard of
    for hours in (1, 12, 24):
        with later(timedelta(hours=hours)):
            sweep_once()
            assert signed_in(maya).post(CREATE, wish).status_code in {409, 503}
    assert (status_of(held), status_of(paid)) == (
        "pending",
        "pending",
    )  # nobody knows what was paid meanwhile
    stripe.faults.clear()
    for minutes in (0, 5, 10):
        with later(timedelta(hours=24, minutes=minutes)):
            sweep_once()
    seat.refresh_from_db()
    assert (status_of(held), status_of(paid), seat.taken) == ("canceled", "completed", 0)
    assert set(Order.objects.values_list("status", flat=True)) == {"canceled", "completed"}
    with later(timedelta(hours=25)):
        settle_everything(stripe)
        assert buying.balance(signed_in(maya)) == "50.00"


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("card", [DECLINED, CHALLENGED], ids=["declined", "challenge abandoned"])
def test_what_was_declined_or_abandoned_can_be_paid_until_the_hold_ends_and_not_after(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, card: str, payment_type: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seats = make_sessions(workshop, 2, capacity=1)
    first, second = (
        buying.create(
            who,
            service_id=str(workshop.pk),
            payment_type=payment_type,
            scheduling_data={"service_session_id": str(seat.pk)},
        )
        for who, seat in zip((buyer, other), seats, strict=True)
    )
    for order in (first, second):
        pay(stripe, order, card, **({"challenge": None} if payment_type == "checkout" else {}))
    with later(timedelta(minutes=14)):
        sweep_once()
        assert {status_of(first), status_of(second)} <= {"pending", "failed"}
        pay(stripe, first)
        assert status_of(first) == "completed"
    with later(timedelta(minutes=16)):
        sweep_once()
        assert status_of(second) == "canceled"
        settle_everything(stripe)
    for seat, taken in zip(seats, (1, 0), strict=True):
        seat.refresh_from_db()
        assert seat.taken == taken
    intent = stripe.state.store.payment_intents.get(buying.order_of(second).stripe_payment_intent_id)
    page = stripe.state.store.checkout_sessions.get(buying.order_of(second).stripe_checkout_session_id)
    assert "canceled" in str(intent) or "expired" in str(page)


def test_a_key_that_stripe_refuses_changes_nothing_and_staff_are_told(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    paid = buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    waiting = buying.credits(buyer, "20.00")
    stripe.control.revoke_key(configured.STRIPE_SECRET_KEY)
    mailoutbox.clear()
    asks: list[Callable[[], Any]] = [
        lambda: buyer.post(CREATE, CREDITS),
        lambda: buyer.post(f"{METHODS}setup/"),
        lambda: buyer.post(f"/api/v1/orders/{waiting['order_id']}/cancel/"),
        lambda: buyer.post(CREATE, CREDITS | {"payment_method_id": card["id"]}),
    ]
    for ask in asks:
        answer = ask()
        assert (answer.status_code, answer.json()["code"]) == (503, "payment_service_unavailable")
        assert int(answer["Retry-After"]) > 0
    assert buying.refund(staff, paid, amount="4.00")["status"] == "requested"
    with later(timedelta(minutes=20)):
        overdue.expire_orders()
        overdue.sync_open_orders()
        overdue.send_unsent_refunds()
    assert (status_of(waiting), status_of(paid), Refund.objects.get().status) == (
        "pending",
        "completed",
        "requested",
    )
    assert ([one["id"] for one in buying.cards(buyer)], buying.balance(buyer)) == ([card["id"]], "10.00")
    assert not PaymentMethod.objects.exclude(detached_at=None).exists()
    stripe.state.settings.revoked_keys.clear()
    run_jobs()
    assert [mail.subject for mail in mailoutbox if "alert" in mail.subject] == [
        "[Estuary alert] stripe_refused_our_key"
    ]
    assert configured.STRIPE_SECRET_KEY not in mailoutbox[0].body
    settle_everything(stripe)
    assert (Refund.objects.get().status, buying.balance(buyer)) == ("succeeded", "6.00")
