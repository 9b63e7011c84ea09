"""Two who want one thing at the same moment, on real threads and connections: one wins, and the books say who."""

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import ids
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.customers import customers
from estuary.payments.errors import StripeRefused
from estuary.payments.gateway.idempotency_keys import STRIPE_REQUEST_MAX_AGE
from estuary.payments.inbox import processor
from estuary.payments.models import Refund, StripeCustomer, WebhookEvent
from estuary.payments.refunds.request_refund import send_refund
from stripe_sandbox import Sandbox
from stripe_sandbox.errors import StripeError
from tests.factories import make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import METHODS, order_of, pay_only, status_of
from tests.flows.test_crowds import all_at_once, answer_to, tabs_of
from tests.sandbox_bridge import post_all, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT_TYPES = pytest.mark.parametrize("payment_type", ["intent", "checkout"])
OF_ONE_PAYMENT = {"payment_intent.succeeded", "checkout.session.completed", "charge.succeeded"}


@pytest.fixture
def seat(ana: Practitioner) -> ServiceSession:
    return make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=1)[0]


def wish_for(seat: ServiceSession, payment_type: str = "intent") -> dict[str, Any]:
    wish = {"service_session_id": str(seat.pk)}
    return {"service_id": str(seat.service_id), "payment_type": payment_type, "scheduling_data": wish}


def assert_handed_over_once(seat: ServiceSession) -> None:
    seat.refresh_from_db()
    assert (Booking.objects.count(), Participant.objects.count(), seat.taken) == (1, 1, 1)


def test_three_events_of_one_payment_at_once_have_one_effect(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession
) -> None:
    order = buying.create(buyer, **wish_for(seat, "checkout"))
    pay_only(stripe, order)
    deliveries = [one for one in stripe.take_deliveries() if one.type in OF_ONE_PAYMENT]
    assert {one.type for one in deliveries} == OF_ONE_PAYMENT
    answers = all_at_once([lambda one=one: post_event(one) for one in deliveries])  # type: ignore[misc]
    assert answers == [200, 200, 200]
    all_at_once([lambda: processor.drain(1)] * 3)
    settle_everything(stripe)
    assert status_of(order) == "completed"
    assert_handed_over_once(seat)
    assert [step["after"] for step in buying.detail(buyer, order)["timeline"]].count("completed") == 1


@PAYMENT_TYPES
def test_the_page_that_comes_back_races_the_webhook_and_the_order_completes_once(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession, payment_type: str
) -> None:
    order = buying.create(buyer, **wish_for(seat, payment_type))
    pay_only(stripe, order)
    post_all(stripe)
    look = answer_to(buyer, f"/api/v1/orders/{order['order_id']}/sync/", {})
    all_at_once([look, lambda: (processor.drain(), ""), look, lambda: (processor.drain(), "")])
    settle_everything(stripe)
    assert status_of(order) == "completed"
    assert_handed_over_once(seat)
    assert [step["after"] for step in buying.detail(buyer, order)["timeline"]].count("completed") == 1
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()


@PAYMENT_TYPES
def test_cancelling_and_paying_at_the_same_moment_has_one_winner(
    stripe: Sandbox, seat: ServiceSession, payment_type: str
) -> None:
    winners = Counter[str]()
    for number in range(6):
        buyer = signed_in(make_user(f"Buyer{number} Both"))
        purchase = buying.create(buyer, **wish_for(seat, payment_type))

        def pay_now(purchase: buying.Json = purchase) -> tuple[int, str]:
            try:
                pay_only(stripe, purchase)
            except StripeError:
                return 400, "refused"
            return 200, "paid"

        cancel = answer_to(buyer, f"/api/v1/orders/{purchase['order_id']}/cancel/", {})
        [(status, _), (_, paid)] = all_at_once([cancel, pay_now])
        settle_everything(stripe)
        order = order_of(purchase)
        assert (status, paid, order.status) in {(200, "refused", "canceled"), (409, "paid", "completed")}
        winners[order.status] += 1
        charges = [one for one in stripe.state.store.charges if one["status"] == "succeeded"]
        assert len(charges) == winners["completed"]
        if payment_type == "checkout":
            page = stripe.state.store.checkout_sessions.get(order.stripe_checkout_session_id)
            assert page is not None
            assert page["status"] == ("expired" if order.status == "canceled" else "complete")
        seat.refresh_from_db()
        assert seat.taken == winners["completed"]
        if order.status == "completed":
            break  # the one seat is sold


def test_a_customer_that_was_made_under_a_key_given_up_meanwhile_is_not_paid_with(
    stripe: Sandbox, buyer: APIClient
) -> None:
    def give_up_the_key() -> None:
        StripeCustomer.objects.update(key=ids.customer_key())
        connection.close()

    def overtaken(execute: Any, sql: str, *rest: Any) -> Any:
        if sql == customers.SAVE_STRIPE_ID and not saved:
            saved.append(sql)
            with ThreadPoolExecutor(1) as the_other_tab:
                the_other_tab.submit(give_up_the_key).result()
        return execute(sql, *rest)

    saved: list[str] = []
    with connection.execute_wrapper(overtaken):
        order = buying.credits(buyer, "20.00")
    assert (
        saved and buying.order_of(order).stripe_customer_id == StripeCustomer.objects.get().stripe_customer_id
    )


def test_the_customer_that_the_sweep_found_meanwhile_is_paid_with(
    stripe: Sandbox, maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restored backup a buyer is at Stripe and not here; the sweep is faster than the payment that begins."""
    customer_id = customers.ensure_customer(maya)
    StripeCustomer.objects.update(key=ids.customer_key())  # under which Stripe was never asked
    unasked = StripeCustomer.objects.get()
    unasked.stripe_customer_id = ""
    rows, read_again = [unasked], customers.get_or_create_customer
    monkeypatch.setattr(
        customers, "get_or_create_customer", lambda user: rows.pop() if rows else read_again(user)
    )
    assert customers.ensure_customer(maya) == customer_id
    assert rows == []
    assert StripeCustomer.objects.get().stripe_customer_id == customer_id


def test_of_workers_that_meet_one_remembered_failure_none_sends_a_refund_under_a_key_of_its_own(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was taken for dead counts its failed try late, while the next try of another is on its way."""
    order = buying.buy_credits(stripe, buyer, "20.00")
    stripe.faults.add("timeout_before", "POST /v1/refunds")
    refund_id = Refund.objects.get(public_id=buying.refund(staff, order, amount="5.00")["refund_id"]).pk
    stripe.faults.add("error_saved", "POST /v1/refunds")
    stripe_is_surely_done()
    sending, may_go_on = threading.Event(), threading.Event()
    counted: list[str] = []
    create_refund = client.create_refund

    def slowly(params: Any, *, key: str) -> Any:
        if threading.current_thread() is not threading.main_thread() and counted:
            sending.set()
            may_go_on.wait()
        return create_refund(params, key=key)

    def overtaken(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('UPDATE "payments_refund" SET "attempt"') and not counted:
            others.submit(send_again, refund_id).result()
            counted.append(sql)
            on_its_way.append(others.submit(send_again, refund_id))
            sending.wait()
        return execute(sql, *rest)

    monkeypatch.setattr(client, "create_refund", slowly)
    on_its_way: list[Future[str]] = []
    with ThreadPoolExecutor(2) as others:
        with connection.execute_wrapper(overtaken):
            assert send_again(refund_id) == "StripeRefused"
        assert send_again(refund_id) == "StripeRefused"  # the other's is on its way under this key
        may_go_on.set()
        on_its_way[0].result()
    assert list(stripe.state.store.refunds) == []
    stripe_is_surely_done()
    assert [send_again(refund_id), send_again(refund_id)] == ["StripeRefused", "succeeded"]
    assert [one["amount"] for one in stripe.state.store.refunds] == [500]
    settle_everything(stripe)


def stripe_is_surely_done() -> None:
    """Let so much time pass that no POST of a refund can be at work at Stripe any more."""
    Refund.objects.update(requested_at=F("requested_at") - STRIPE_REQUEST_MAX_AGE)


def send_again(refund_id: int) -> str:
    try:
        return str(send_refund(refund_id).status)
    except StripeRefused as refused:
        return type(refused).__name__
    finally:
        if threading.current_thread() is not threading.main_thread():
            connection.close()


def test_a_customer_deleted_at_stripe_whom_many_requests_need_at_once_is_made_again_once(
    stripe: Sandbox, maya: User, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    gone = StripeCustomer.objects.get().stripe_customer_id
    stripe.control.delete_customer(gone)
    stripe.control.lose_events()
    tabs = tabs_of(maya, 8)
    asks = [answer_to(tab, f"{METHODS}setup/", {}) for tab in tabs[:4]]
    asks += [
        answer_to(tab, buying.CREATE, {"is_credit_purchase": True, "amount": "20.00", "payment_type": kind})
        for tab, kind in zip(tabs[4:], ["intent", "checkout", "intent", "checkout"], strict=True)
    ]
    outcomes = Counter(all_at_once(asks))
    assert {status for status, _ in outcomes} <= {201, 409}, outcomes
    customer_id = StripeCustomer.objects.get().stripe_customer_id
    alive = [one["id"] for one in stripe.state.store.customers if not one.get("deleted")]
    assert (alive, customer_id != gone) == ([customer_id], True)
    order = buying.credits(buyer, "20.00")
    buying.pay(stripe, order)
    assert (status_of(order), order_of(order).stripe_customer_id) == ("completed", customer_id)


def test_two_tabs_that_ask_for_two_things_at_once_never_leave_two_that_can_be_paid(
    stripe: Sandbox, maya: User, buyer: APIClient, seat: ServiceSession
) -> None:
    tabs = zip(tabs_of(maya, 6), ["intent", "checkout"] * 3, strict=True)
    asks = [answer_to(tab, buying.CREATE, wish_for(seat, payment_type)) for tab, payment_type in tabs]
    outcomes = Counter(all_at_once(asks))
    assert {status for status, _ in outcomes} <= {201, 409}
    assert Order.objects.filter(status="pending").count() <= 1
    buying.create(buyer, **wish_for(seat))  # whoever asks last
    assert Order.objects.filter(status="pending").count() == 1
    paid = 0
    for order in Order.objects.order_by("pk"):
        purchase = {"order_id": order.public_id, "payment_intent_id": order.stripe_payment_intent_id}
        purchase |= {"checkout_url": "there"} if order.payment_type == "checkout" else {}
        try:
            pay_only(stripe, purchase)
        except StripeError:
            continue  # what was replaced can't be paid any more
        paid += 1
    settle_everything(stripe)
    assert (paid, CreditTransaction.objects.count()) == (1, 0)
    assert_handed_over_once(seat)
