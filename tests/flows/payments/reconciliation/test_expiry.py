"""Holds end: at Stripe first, here then; and money that comes after the end is neither lost nor kept."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import DECLINED, Json, order_of, pay, pay_only, status_of
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT_TYPES = pytest.mark.parametrize("payment_type", ["intent", "checkout"])


def let_holds_end() -> int:
    """Put the end of every hold into the past and let the worker look for ended ones."""
    Order.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    return overdue.expire_orders()


def at_stripe(stripe: Sandbox, purchase: Json) -> str:
    order = order_of(purchase)
    store = stripe.state.store
    payment = (
        store.checkout_sessions.get(order.stripe_checkout_session_id)
        if "checkout_url" in purchase
        else store.payment_intents.get(order.stripe_payment_intent_id)
    )
    assert payment is not None
    return str(payment["status"])


@PAYMENT_TYPES
def test_a_hold_that_ends_frees_seats_slots_and_credits_and_dies_at_stripe(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    massage = make_service(ServiceType.SESSION, ana)
    course = make_service(ServiceType.COURSE, make_practitioner("Bruno Costa"))
    sessions = make_sessions(course, 3, capacity=1)
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, course], usd=12000)
    slot = {"service_id": str(massage.pk), "start_datetime": a_free_slot(massage).isoformat()}
    body: Json = {"payment_type": payment_type, "use_credits": True, "scheduling_data": {"items": [slot]}}
    order = buying.create(buyer, service_id=str(package.pk), **body)
    assert (order["credits_applied"], buying.balance(buyer)) == ("30.00", "0.00")
    assert overdue.expire_orders() == 0
    assert let_holds_end() == 1
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("canceled", "30.00")
    assert at_stripe(stripe, order) == ("canceled" if payment_type == "intent" else "expired")
    for session in sessions:
        session.refresh_from_db()
    assert [session.taken for session in sessions] == [0, 0, 0]
    assert not CalendarEntry.objects.filter(practitioner=ana).exists()
    assert set(Reservation.objects.values_list("status", flat=True)) == {"released"}
    assert let_holds_end() == 0


@PAYMENT_TYPES
def test_the_end_of_the_hold_meets_an_order_that_was_paid_a_moment_before(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        payment_type=payment_type,
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    pay_only(stripe, order)  # the news is still under way
    let_holds_end()
    assert status_of(order) == "completed"
    settle_everything(stripe)
    assert (status_of(order), Booking.objects.count(), Refund.objects.count()) == ("completed", 1, 0)


def test_a_payment_at_its_bank_never_expires(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, method="us_bank_account")
    assert let_holds_end() == 0
    assert status_of(order) == "processing"


def test_a_payment_that_went_to_its_bank_unnoticed_does_not_expire_either(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order, method="us_bank_account")
    let_holds_end()
    assert status_of(order) == "processing"


def test_a_declined_order_expires_too(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, DECLINED)
    assert let_holds_end() == 1
    assert (status_of(order), at_stripe(stripe, order)) == ("canceled", "canceled")


def late_payment(stripe: Sandbox, purchase: Json) -> None:
    """A payment that Stripe took although we had ended the order: its cancellation was lost on the way to Stripe."""
    order = order_of(purchase)
    stripe.faults.clear()
    intent = stripe.state.store.payment_intents.get(order.stripe_payment_intent_id)
    assert intent is not None
    intent["status"] = "requires_payment_method"  # as if it had not been canceled there
    stripe.control.lose_events()
    stripe.control.confirm(intent["id"], card=buying.FINE)


def test_money_that_comes_after_the_end_is_refunded_in_full_and_the_buyer_is_told(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[Any]
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    purchase = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    let_holds_end()
    late_payment(stripe, purchase)
    settle_everything(stripe)
    order = order_of(purchase)
    assert (order.status, order.captured_minor, order.refunded_minor) == ("refunded", 10000, 10000)
    [refund] = Refund.objects.all()
    assert (refund.status, refund.card_minor, refund.origin) == ("succeeded", 10000, "automatic")
    assert not Booking.objects.exists()
    seat.refresh_from_db()
    assert seat.taken == 0
    assert any("too late" in mail.subject and mail.to == [maya.email] for mail in mailoutbox)
    assert [step["after"] for step in buying.detail(buyer, purchase)["timeline"]] == [
        "pending",
        "canceled",
        "paid",
        "refunded",
    ]


def test_late_money_with_credits_brings_neither_twice_nor_keeps_either(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    order = buying.create(
        buyer,
        service_id=str(workshop.pk),
        use_credits=True,
        scheduling_data={"service_session_id": str(seat.pk)},
    )
    let_holds_end()
    assert buying.balance(buyer) == "30.00"
    late_payment(stripe, order)
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("refunded", "30.00")
    assert Refund.objects.get().card_minor == 7000


def test_late_money_for_credits_is_credited(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    let_holds_end()
    assert status_of(order) == "canceled"
    late_payment(stripe, order)
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer), Refund.objects.count()) == ("completed", "100.00", 0)


@PAYMENT_TYPES
def test_a_buyer_cancels_an_unpaid_order(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, payment_type: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    wish = {"service_session_id": str(seat.pk)}
    order = buying.create(buyer, service_id=str(workshop.pk), payment_type=payment_type, scheduling_data=wish)
    address = f"/api/v1/orders/{order['order_id']}/cancel/"
    before = len(stripe.requests)
    assert other.post(address).status_code == 404
    assert len(stripe.requests) == before
    answer = buyer.post(address)
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert at_stripe(stripe, order) == ("canceled" if payment_type == "intent" else "expired")
    settle_everything(stripe)
    assert buying.service(other, workshop, **wish)["status"] == "pending"
    assert buyer.post(address).json()["status"] == "canceled"


@PAYMENT_TYPES
def test_cancelling_races_the_payment_and_one_of_them_wins(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        payment_type=payment_type,
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    pay_only(stripe, order)
    answer = buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_cancelable")
    settle_everything(stripe)
    assert (status_of(order), Booking.objects.get().status) == ("completed", "confirmed")


def test_a_payment_at_its_bank_cannot_be_canceled(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, method="us_bank_account")
    answer = buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_cancelable")


def test_a_page_whose_time_runs_out_at_stripe_ends_its_order(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, payment_type="checkout")
    stripe.control.expire_checkout(order_of(order).stripe_checkout_session_id)
    settle_everything(stripe)
    assert (status_of(order), order_of(order).cancel_reason) == ("canceled", "expired")


def test_an_intent_canceled_in_the_dashboard_ends_its_order(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    stripe.control.cancel(order["payment_intent_id"])
    settle_everything(stripe)
    assert status_of(order) == "canceled"


def test_a_stripe_that_does_not_answer_keeps_the_hold_until_it_does(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    order = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    stripe.faults.add("timeout_before", "POST /v1/payment_intents/*/cancel")
    assert let_holds_end() == 0
    assert status_of(order) == "pending"
    with time_machine.travel(clock.now() + timedelta(seconds=30), tick=True):
        assert let_holds_end() == 1
    assert status_of(order) == "canceled"


def test_events_that_never_came_are_asked_for(stripe: Sandbox, buyer: APIClient) -> None:
    intent = buying.credits(buyer, "10.00")
    pay_only(stripe, intent)
    stripe.control.lose_events()
    Order.objects.update(created_at=clock.now() - timedelta(minutes=3))
    overdue.sync_open_orders()
    assert status_of(intent) == "completed"
    page = buying.credits(buyer, "20.00", payment_type="checkout")
    pay_only(stripe, page)
    stripe.control.lose_events()
    Order.objects.update(created_at=clock.now() - timedelta(minutes=3))
    overdue.sync_open_orders()
    run_jobs()
    assert (status_of(page), buying.balance(buyer)) == ("completed", "30.00")
