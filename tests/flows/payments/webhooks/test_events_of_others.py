"""Signed events that are not about our payments: another account's, or ours only by a label that anyone can copy."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.client import API_VERSION
from estuary.payments.doctor import stripe_comparison
from estuary.payments.doctor.check import GRACE
from estuary.payments.inbox import processor
from estuary.payments.models import (
    Dispute,
    Orphan,
    PaymentMethod,
    RateLimitCounter,
    Refund,
    StripeCustomer,
    WebhookEvent,
)
from estuary.payments.reconciliation import stripe_lists
from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import client as stripe_of
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, pay_only, status_of
from tests.flows.payments.inbox.test_odd_events import thin
from tests.flows.payments.reconciliation.test_orphans import later
from tests.flows.payments.webhooks.test_webhook import send, signed
from tests.sandbox_bridge import deliver, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTED = "acct_of_a_connected_house"


@pytest.fixture(autouse=True)
def staff_mail(settings: Settings) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"


def arrive(*events: Json) -> None:
    for event in events:
        body = json.dumps(event).encode()
        assert send(body, signed(body)).status_code == 200
    while processor.drain():
        continue


def taken(stripe: Sandbox) -> list[Json]:
    return [json.loads(delivery.body) for delivery in stripe.take_deliveries()]


def subjects(mailoutbox: list[Any]) -> list[str]:
    run_jobs()
    return [str(mail.subject).removeprefix("[Estuary alert] ") for mail in mailoutbox]


# --- Of another account ---------------------------------------------------------------------------------------


def of_account(event: Json) -> Json:
    return event | {"account": CONNECTED}


def of_organization(event: Json) -> Json:
    return event | {"context": CONNECTED}


@pytest.mark.parametrize("other", [of_account, of_organization])
@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_events_of_another_account_are_kept_and_have_no_effect(
    stripe: Sandbox,
    buyer: APIClient,
    mailoutbox: list[Any],
    payment_type: str,
    other: Callable[[Json], Json],
) -> None:
    """Whatever they are of, and though every id and label in them is ours."""
    paid = buying.buy_credits(stripe, buyer, "50.00")
    [card] = buying.cards(buyer)
    order = buying.credits(buyer, "30.00", payment_type=payment_type)
    pay_only(stripe, order)
    stripe.control.refund(paid["payment_intent_id"], 2000)
    opened = stripe.control.dispute(paid["payment_intent_id"], amount=1000)
    stripe.control.close_dispute(opened["id"], "lost")
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.delete_customer(order_of(order).stripe_customer_id)
    events, calls_before = taken(stripe), len(stripe.requests)
    arrive(*map(other, events))
    assert {"payment_intent.succeeded", "charge.refunded", "customer.deleted"} < {
        one["type"] for one in events
    }
    assert set(
        WebhookEvent.objects.filter(payload__has_any_keys=["account", "context"]).values_list(
            "status", "outcome"
        )
    ) == {("ignored", "of another account")}
    assert (status_of(order), status_of(paid), buying.balance(buyer)) == ("pending", "completed", "50.00")
    assert not Refund.objects.exists() and not Dispute.objects.exists()
    assert PaymentMethod.objects.get().detached_at is None
    assert StripeCustomer.objects.exclude(stripe_customer_id="").exists()
    assert len(stripe.requests) == calls_before
    assert subjects(mailoutbox).count("event_of_another_account") == 1
    later_events = [one | {"id": one["id"] + "again"} for one in events]
    arrive(*map(other, later_events))
    settle_everything(stripe)


def test_a_thin_event_of_another_account_has_no_effect_and_stripe_is_not_asked(
    stripe: Sandbox, buyer: APIClient, mailoutbox: list[Any]
) -> None:
    order = buying.credits(buyer, "30.00")
    pay_only(stripe, order)
    events = [json.loads(thin(delivery)) for delivery in stripe.take_deliveries()]
    calls_before = len(stripe.requests)
    arrive(*(event | {"context": f"org_6SD3oI/{CONNECTED}"} for event in events))
    assert (status_of(order), len(stripe.requests)) == ("pending", calls_before)
    assert subjects(mailoutbox) == ["event_of_another_account"]


# --- Ours by a label alone ------------------------------------------------------------------------------------


def taken_by_hand(
    stripe: Sandbox, amount: int, *, customer: str = "", currency: str = "usd", **metadata: str
) -> Obj:
    """Take a payment in the dashboard, with whatever label."""
    params: Json = {
        "amount": amount,
        "currency": currency,
        "payment_method": "pm_card_visa",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": metadata,
    }
    whose: Any = params | ({"customer": customer} if customer else {})
    intent = stripe_of(stripe).v1.payment_intents.create(whose)
    stored = stripe.state.store.payment_intents.get(intent.id)
    assert stored is not None
    return stored


def own_label(order: Json) -> dict[str, str]:
    return {"order_id": order["order_id"]}


def a_stranger(stripe: Sandbox) -> str:
    return str(stripe_of(stripe).v1.customers.create({"email": "somebody@shop.example"}).id)


def no_customer(stripe: Sandbox) -> str:
    return ""


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("state", ["unpaid", "unknown", "paid", "canceled"])
@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("whose", [no_customer, a_stranger])
def test_a_payment_of_somebody_else_that_carries_our_label_is_left_alone_and_told_once(
    stripe: Sandbox,
    buyer: APIClient,
    mailoutbox: list[Any],
    whose: Callable[[Sandbox], str],
    payment_type: str,
    state: str,
) -> None:
    """Amount, currency and label are the order's: no order completes, nothing goes back, no order ends."""
    order = buying.credits(buyer, "50.00", payment_type=payment_type)
    if state == "paid":
        pay(stripe, order)
    elif state == "canceled":
        buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    elif state == "unknown":  # Stripe's answer was lost
        Order.objects.update(stripe_payment_intent_id="", stripe_checkout_session_id="")
    deliver(stripe)
    before, balance = order_of(order), buying.balance(buyer)
    mailoutbox.clear()
    by_hand = taken_by_hand(stripe, 5000, customer=whose(stripe), **own_label(order))
    settle_everything(stripe)
    stripe_lists.sync_payments()
    stripe_lists.sync_payments()
    settle_everything(stripe)
    after = order_of(order)
    assert (after.status, after.stripe_payment_intent_id) == (before.status, before.stripe_payment_intent_id)
    assert (buying.balance(buyer), Refund.objects.count()) == (balance, 0)
    assert Orphan.objects.get().status == "foreign"
    stripe.control.refund(by_hand["id"], 1000)
    opened = stripe.control.dispute(by_hand["id"])
    settle_everything(stripe)
    assert not Refund.objects.exists() and not Dispute.objects.exists()
    alerts = subjects(mailoutbox)
    assert alerts.count("payment_names_our_order") == 1
    assert alerts.count("dispute_of_unknown_payment") == 1 and opened["id"] in mailoutbox[-1].body
    assert by_hand["amount_received"] == 5000
    if state in {"unpaid", "unknown"}:  # and the buyer pays as if nothing had been
        if state == "unknown":
            order = buying.credits(buyer, "50.00", payment_type=payment_type)
        pay(stripe, order)
        assert (status_of(order), buying.balance(buyer)) == ("completed", "50.00")
    with later(GRACE):
        differences = stripe_comparison.compare(since=clock.now() - GRACE * 8, at=clock.now())
    assert "captured_unknown_here" not in {breach.code for breach in differences}


@pytest.mark.parametrize("state", ["unpaid", "unknown", "paid"])
@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_money_of_the_orders_own_buyer_that_no_order_asked_for_goes_back(
    stripe: Sandbox, buyer: APIClient, mailoutbox: list[Any], payment_type: str, state: str
) -> None:
    order = buying.credits(buyer, "50.00", payment_type=payment_type)
    if state == "paid":
        pay(stripe, order)
    elif state == "unknown":
        Order.objects.update(stripe_payment_intent_id="", stripe_checkout_session_id="")
    before = order_of(order)
    amount = 5000 if state == "paid" else 4200
    by_hand = taken_by_hand(stripe, amount, customer=before.stripe_customer_id, **own_label(order))
    settle_everything(stripe)
    stripe_lists.sync_payments()  # a page that is open does not tell what else came
    settle_everything(stripe)
    refund = Refund.objects.get()
    assert (refund.is_unmatched, refund.status, refund.card_minor) == (True, "succeeded", amount)
    assert refund.stripe_payment_intent_id == by_hand["id"]
    assert order_of(order).status == before.status
    assert subjects(mailoutbox).count("payment_quarantined") == 1
    if state == "unknown":
        order = buying.credits(buyer, "50.00", payment_type=payment_type)
    if state != "paid":
        pay(stripe, order)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "50.00")


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_what_is_told_of_no_payment_of_ours_by_its_label_neither_ends_nor_fails_nor_moves_an_order(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    """Canceled, declined, at its bank; of an intent and of a page: Stripe is asked, and has no such thing of ours."""
    order = buying.credits(buyer, "50.00", payment_type=payment_type)
    deliver(stripe)
    Order.objects.update(stripe_payment_intent_id="", stripe_checkout_session_id="")
    stranger = a_stranger(stripe)
    by_hand = taken_by_hand(stripe, 5000, customer=stranger, **own_label(order))
    deliver(stripe)
    base = {
        "api_version": API_VERSION,
        "livemode": False,
        "object": "event",
        "created": int(clock.now().timestamp()),
    }
    error = {"code": "card_declined", "decline_code": "stolen_card", "message": "No.", "charge": "ch_other"}
    changes: list[tuple[str, Json]] = [
        ("payment_intent.canceled", {"status": "canceled"}),
        ("payment_intent.processing", {"status": "processing"}),
        ("payment_intent.payment_failed", {"status": "requires_payment_method", "last_payment_error": error}),
    ]
    for number, (kind, change) in enumerate(changes):
        for named in (by_hand["id"], "pi_of_no_account_of_ours"):
            obj = {**public(by_hand), **change, "id": named, "object": "payment_intent"}
            arrive(base | {"id": f"evt_{number}{named}", "type": kind, "data": {"object": obj}})
    page: Json = {
        "id": "cs_of_another", "object": "checkout.session", "status": "expired", "payment_status": "unpaid",
        "amount_total": 5000, "currency": "usd", "customer": order_of(order).stripe_customer_id, "livemode": False,
        "metadata": own_label(order), "payment_intent": None,
    }  # fmt: skip
    arrive(base | {"id": "evt_page", "type": "checkout.session.expired", "data": {"object": page}})
    paid = page | {
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_of_no_account_of_ours",
    }
    arrive(base | {"id": "evt_paid", "type": "checkout.session.completed", "data": {"object": paid}})
    assert (order_of(order).status, order_of(order).stripe_payment_intent_id) == ("pending", "")
    assert not Refund.objects.exists()
    assert set(WebhookEvent.objects.values_list("status", flat=True)) <= {"done", "ignored"}


def test_a_decline_of_a_labelled_payment_of_another_counts_against_nobody(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "50.00", payment_type="checkout")
    deliver(stripe)
    intent = stripe_of(stripe).v1.payment_intents.create(
        {
            "amount": 5000,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": own_label(order),
        }
    )
    stripe.control.confirm(intent.id, card=buying.DECLINED)
    settle_everything(stripe)
    assert status_of(order) == "pending"
    assert not any(row.declines for row in RateLimitCounter.objects.all())
    pay(stripe, order)
    assert status_of(order) == "completed"


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_what_is_payable_and_of_somebody_else_is_not_ended_at_stripe_for_its_label(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, "50.00")
    pay(stripe, order)
    v1, stranger = stripe_of(stripe).v1, a_stranger(stripe)
    label: Any = {"customer": stranger, "metadata": own_label(order)}
    price = {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "Oil"}}
    page = {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": "https://shop.example/",
    }
    if payment_type == "intent":
        foreign_id = v1.payment_intents.create(label | {"amount": 5000, "currency": "usd"}).id
    else:
        foreign_id = v1.checkout.sessions.create(label | page).id
    with later(GRACE * 2):
        stripe_lists.sync_all_lists()
    store = stripe.state.store
    payment = store.payment_intents.get(foreign_id) or store.checkout_sessions.get(foreign_id)
    assert payment is not None and payment["status"] in {"open", "requires_payment_method"}
    with later(GRACE * 2):
        assert stripe_comparison.compare(since=clock.now() - GRACE * 8, at=clock.now()) == []


def test_a_refund_that_carries_the_name_of_ours_moves_ours_only_when_it_is_of_its_payment(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00", card=buying.REFUND_PENDS)
    buying.refund(staff, order, amount="20.00")
    run_jobs()
    ours = Refund.objects.get()
    by_hand = taken_by_hand(stripe, 5000, customer=order_of(order).stripe_customer_id, **own_label(order))
    settle_everything(stripe)
    v1 = stripe_of(stripe).v1
    unmatched = Refund.objects.get(is_unmatched=True)
    assert unmatched.stripe_payment_intent_id == by_hand["id"]
    another = taken_by_hand(stripe, 5000)
    v1.refunds.create(
        {
            "payment_intent": another["id"],
            "metadata": {"refund_id": ours.public_id, "order_id": order["order_id"]},
        }
    )
    settle_everything(stripe)
    ours.refresh_from_db()
    assert (ours.status, Refund.objects.count()) == ("pending", 2)


def test_an_answer_that_was_lost_is_found_by_customer_and_amount_not_by_its_label(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """A payment that staff began by hand for the same buyer, with our label and another amount, is not the order's."""
    session = make_service(ServiceType.SESSION, ana)
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    first, customer = order["payment_intent_id"], order_of(order).stripe_customer_id
    params: Any = {"amount": 700, "currency": "usd", "customer": customer, "metadata": own_label(order)}
    stripe_of(stripe).v1.payment_intents.create(params)
    Order.objects.update(stripe_payment_intent_id="")
    answer = buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    assert answer.status_code == 200, answer.json()
    assert order_of(order).stripe_payment_intent_id == first
    intent = stripe.state.store.payment_intents.get(first)
    assert intent is not None and intent["status"] == "canceled"
    settle_everything(stripe)
    assert not Booking.objects.exists()
