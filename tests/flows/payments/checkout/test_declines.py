"""When a payment does not go through at once: declined, challenged, slow, or asked for twice."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.checkout import start_payment, stripe_creation
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import CHALLENGED, DECLINED, FINE, NO_FUNDS, order_of, pay, pay_only, posts, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_declined_card_fails_the_order_and_says_why(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, NO_FUNDS)
    shown = buying.detail(buyer, order)
    assert shown["status"] == "failed"
    assert shown["failure"] == {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
    }
    assert buying.balance(buyer) == "0.00"


def test_the_same_body_again_brings_the_same_order_which_can_then_be_paid(
    stripe: Sandbox, buyer: APIClient
) -> None:
    first = buying.credits(buyer)
    pay(stripe, first, DECLINED)
    again = buying.credits(buyer)
    assert (again["order_id"], again["client_secret"]) == (first["order_id"], first["client_secret"])
    pay(stripe, again, FINE)
    shown = buying.detail(buyer, first)
    assert (shown["status"], shown["failure"]) == ("completed", None)
    assert [step["after"] for step in shown["timeline"]] == ["pending", "failed", "completed"]
    assert buying.balance(buyer) == "100.00"


@pytest.mark.parametrize("is_keyed", [True, False], ids=["with a key", "without a key"])
def test_a_saved_card_whose_order_ends_before_it_is_charged_is_refused_and_not_answered_as_created(
    stripe: Sandbox, buyer: APIClient, card: str, monkeypatch: pytest.MonkeyPatch, is_keyed: bool
) -> None:
    """The hold ends between the creation of the payment and its confirmation."""
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    headers = {"Idempotency-Key": "one-attempt"} if is_keyed else {}
    with monkeypatch.context() as patch:
        patch.setattr(start_payment, "next_order_key", _end_hold_before_confirm)
        answer = buyer.post(buying.CREATE, body, headers=headers)
    ended = Order.objects.latest("pk")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_ended")
    assert (answer.json()["order_id"], ended.status) == (ended.public_id, "canceled")
    again = buyer.post(buying.CREATE, body, headers=headers)
    assert (again.status_code, again.json()["status"]) == (201, "completed")
    assert again.json()["order_id"] != ended.public_id
    settle_everything(stripe)
    assert [charge["amount"] for charge in stripe.state.store.charges if charge["paid"]] == [1_000, 2_000]


def _end_hold_before_confirm(order: Order, verb: str) -> str:
    Order.objects.filter(pk=order.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    overdue.expire_orders()
    return stripe_creation.next_order_key(order, verb)


def test_another_body_ends_the_old_intent_at_stripe_and_moves_the_hold(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    first, second = (a_free_slot(session, nth=nth).isoformat() for nth in (0, 4))
    old = buying.service(buyer, session, start_datetime=first)
    new = buying.service(buyer, session, start_datetime=second)
    assert (status_of(old), status_of(new)) == ("canceled", "pending")
    retrieved = stripe.state.store.payment_intents.get(old["payment_intent_id"])
    assert retrieved is not None
    assert (retrieved["status"], retrieved["cancellation_reason"]) == ("canceled", "abandoned")
    assert [entry.during.lower.isoformat() for entry in CalendarEntry.objects.all()] == [second]
    pay(stripe, new)
    assert (status_of(old), status_of(new), Booking.objects.count()) == ("canceled", "completed", 1)


def test_a_wish_that_can_not_be_met_costs_no_old_hold(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    held = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    past = {"service_id": session.pk, "scheduling_data": {"start_datetime": "2020-01-01T10:00:00Z"}}
    buying.refused(buyer, 400, "slot_in_past", **past)
    assert buying.status_of(held) == "pending"
    buying.pay(stripe, held)
    assert buying.status_of(held) == "completed"


def test_the_same_page_is_given_again_and_another_body_closes_it(stripe: Sandbox, buyer: APIClient) -> None:
    first = buying.credits(buyer, payment_type="checkout")
    assert buying.credits(buyer, payment_type="checkout")["checkout_url"] == first["checkout_url"]
    second = buying.credits(buyer, payment_type="intent")
    page = stripe.state.store.checkout_sessions.get(order_of(first).stripe_checkout_session_id)
    assert page is not None
    assert (page["status"], status_of(first)) == ("expired", "canceled")
    pay(stripe, second)
    assert buying.balance(buyer) == "100.00"


def test_a_decline_on_the_server_is_a_402_that_names_the_order(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer, "20.00")
    [card] = buying.cards(buyer)
    failing = _attach(stripe, buyer, "pm_card_chargeCustomerFail")
    problem = buying.refused(
        buyer, 402, "card_declined", is_credit_purchase=True, amount="100.00", payment_method_id=failing
    )
    assert problem["decline_code"] == "generic_decline"
    shown = buyer.get(f"/api/v1/orders/{problem['order_id']}/").json()
    assert (shown["status"], shown["failure"]["decline_code"]) == ("failed", "generic_decline")
    order = buying.credits(buyer, payment_method_id=card["id"])
    assert (order["order_id"], order["status"]) == (problem["order_id"], "completed")
    settle_everything(stripe)
    assert buying.balance(buyer) == "120.00"


def _attach(stripe: Sandbox, buyer: APIClient, name: str) -> str:
    """Save a card through a SetupIntent, as the account page does, and return our id of it."""
    ids_before = {card["id"] for card in buying.cards(buyer)}
    setup = buyer.post("/api/v1/payments/methods/setup/").json()
    stripe.control.confirm_setup(setup["setup_intent_id"], payment_method=name)
    settle_everything(stripe)
    [new] = [card["id"] for card in buying.cards(buyer) if card["id"] not in ids_before]
    return str(new)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_challenge_that_is_passed_completes_the_order(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, payment_type=payment_type)
    if payment_type == "checkout":
        pay(stripe, order, CHALLENGED, challenge="complete")
    else:
        pay(stripe, order, CHALLENGED)
        assert status_of(order) == "pending"
        stripe.control.complete_challenge(order["payment_intent_id"])
        settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")


def test_a_challenge_that_fails_can_be_tried_again(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, CHALLENGED)
    stripe.control.fail_challenge(order["payment_intent_id"])
    settle_everything(stripe)
    assert status_of(order) == "failed"
    assert order_of(order).failure_code == "payment_intent_authentication_failure"
    pay(stripe, order, FINE)
    assert status_of(order) == "completed"


def test_a_challenge_that_is_abandoned_leaves_the_order_payable(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay(stripe, order, CHALLENGED)
    assert status_of(order) == "pending"
    again = buying.credits(buyer)
    assert (again["order_id"], again["payment_status"]) == (order["order_id"], "requires_action")
    pay(stripe, again, FINE)
    assert status_of(order) == "completed"


def test_a_saved_card_that_wants_a_challenge_is_finished_in_the_browser(
    stripe: Sandbox, buyer: APIClient
) -> None:
    setup = buyer.post("/api/v1/payments/methods/setup/").json()
    stripe.control.confirm_setup(setup["setup_intent_id"], payment_method="pm_card_authenticationRequired")
    stripe.control.complete_challenge(setup["setup_intent_id"])
    settle_everything(stripe)
    [saved] = buying.cards(buyer)
    order = buying.credits(buyer, payment_method_id=saved["stripe_payment_method_id"])
    assert (order["status"], order["payment_status"]) == ("pending", "requires_action")
    assert order["client_secret"]
    stripe.control.complete_challenge(order["payment_intent_id"])
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")


def test_what_is_paid_already_is_settled_and_told(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop)
    for payment_type in ("intent", "checkout"):
        order = buying.credits(buyer, payment_type=payment_type)
        pay_only(stripe, order)  # and no event arrives
        problem = buying.refused(
            buyer, 409, "already_paid", is_credit_purchase=True, amount="100.00", payment_type=payment_type
        )
        assert problem["order_id"] == order["order_id"]
        assert status_of(order) == "completed"
    assert buying.balance(buyer) == "200.00"
    settle_everything(stripe)
    assert buying.balance(buyer) == "200.00"
    pay(stripe, buying.service(buyer, workshop, service_session_id=str(seat.pk)))
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(seat.pk)}}
    buying.refused(buyer, 409, "already_booked", **body)


def test_another_body_for_what_turns_out_to_be_paid_is_told_so(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "100.00")
    pay_only(stripe, order)
    problem = buying.refused(buyer, 409, "already_paid", is_credit_purchase=True, amount="50.00")
    assert problem["order_id"] == order["order_id"]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "fails"])
def test_a_bank_that_takes_days_keeps_the_hold_until_it_has_decided(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str, arrives: bool
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(seat.pk)}}
    order = buying.create(buyer, payment_type=payment_type, **body)
    paid = pay(stripe, order, method="us_bank_account")
    intent_id = paid["payment_intent"] if payment_type == "checkout" else paid["id"]
    assert (status_of(order), Reservation.objects.get().status, Booking.objects.count()) == (
        "processing",
        "held",
        0,
    )
    buying.refused(buyer, 409, "payment_processing", payment_type=payment_type, **body)
    (stripe.control.settle if arrives else stripe.control.fail_settlement)(intent_id)
    settle_everything(stripe)
    seat.refresh_from_db()
    if arrives:
        assert (status_of(order), seat.taken, Booking.objects.count()) == ("completed", 1, 1)
    else:
        assert (status_of(order), seat.taken, Booking.objects.count()) == ("canceled", 0, 0)


def test_nothing_is_confirmed_twice_for_a_double_click(stripe: Sandbox, buyer: APIClient) -> None:
    orders = {buying.credits(buyer)["order_id"] for _ in range(3)}
    assert len(orders) == 1
    assert len(posts(stripe, "/v1/payment_intents")) == 1
