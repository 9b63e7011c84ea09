"""Events that tell less, more or something else than they should: what we stored decides, and Stripe's own word."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.credits.models import CreditTransaction
from estuary.payments.checkout import stripe_creation
from estuary.payments.inbox import processor
from estuary.payments.models import Refund, WebhookEvent
from stripe_sandbox import Delivery, Sandbox
from stripe_sandbox.store import Obj
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay_only, status_of
from tests.flows.payments.webhooks.test_webhook import send, signed
from tests.sandbox_bridge import deliver, post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

type Change = Callable[[Json], Any]


def arrive_changed(stripe: Sandbox, change: Change, *, together: bool) -> None:
    """Deliver what waits with something changed in each object, signed as by Stripe; settle it together or in turn."""
    for delivery in stripe.take_deliveries():
        event = json.loads(delivery.body)
        change(event["data"]["object"])
        body = json.dumps(event).encode()
        assert send(body, signed(body)).status_code == 200
        if not together:
            processor.drain()
    processor.drain()


# --- Thin events --------------------------------------------------------------------------------------------


def thin(delivery: Delivery) -> bytes:
    """The same news as Stripe's thin events tell it: of which object, and nothing of how it stands.

    Source: https://docs.stripe.com/api/v2/core/events/event-types
    """
    event = json.loads(delivery.body)
    about = event["data"]["object"]
    return json.dumps(
        {
            "id": event["id"].replace("evt_", "evt_65"),
            "object": "v2.core.event",
            "type": f"v1.{event['type']}",
            "created": "2026-11-23T10:00:00.000Z",
            "livemode": False,
            "context": None,
            "reason": None,
            "related_object": {
                "id": about["id"],
                "type": about["object"],
                "url": f"/v1/{about['object']}s/{about['id']}",
            },
        }
    ).encode()


def arrive_thin(stripe: Sandbox) -> None:
    for delivery in stripe.take_deliveries():
        body = thin(delivery)
        assert send(body, signed(body)).status_code == 200
    while processor.drain():
        continue


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_thin_event_is_recorded_and_its_object_fetched(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, "50.00", payment_type=payment_type)
    pay_only(stripe, order)
    arrive_thin(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "50.00")
    intent = order_of(order).stripe_payment_intent_id
    stripe.control.refund(intent, 2000)
    arrive_thin(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("partially_refunded", "30.00")
    stripe.control.close_dispute(stripe.control.dispute(intent)["id"], "lost")
    arrive_thin(stripe)
    assert (buying.balance(buyer), order_of(order).lost_minor) == ("0.00", 3000)
    assert set(WebhookEvent.objects.values_list("status", flat=True)) <= {"done", "ignored"}
    settle_everything(stripe)


def test_a_thin_event_of_a_card_corrects_the_list(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    stripe.control.update_card(card["stripe_payment_method_id"], exp_month=7, exp_year=2039)
    arrive_thin(stripe)
    assert [(row["exp_month"], row["exp_year"]) for row in buying.cards(buyer)] == [(7, 2039)]
    stripe.control.detach(card["stripe_payment_method_id"])
    arrive_thin(stripe)
    assert buying.cards(buyer) == []


@pytest.mark.parametrize(
    "change",
    [
        {"related_object": None},
        {"related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"}},
        {
            "type": "v2.core.account.created",
            "related_object": {"id": "acct_1", "type": "v2.core.account", "url": ""},
        },
    ],
    ids=["of nothing", "of no concern", "of version two"],
)
def test_a_thin_event_of_something_else_is_recorded_and_of_no_concern(
    stripe: Sandbox, buyer: APIClient, change: Json
) -> None:
    pay_only(stripe, buying.credits(buyer))
    body = json.dumps(json.loads(thin(stripe.take_deliveries()[-1])) | change).encode()
    calls_before = len(stripe.requests)
    assert send(body, signed(body)).status_code == 200
    processor.drain()
    assert (WebhookEvent.objects.get().status, len(stripe.requests)) == ("ignored", calls_before)


# --- Whose payment it is ------------------------------------------------------------------------------------


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("together", [True, False], ids=["together", "in turn"])
@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("metadata", ["missing", "empty", "of another order", "of no order"])
def test_an_event_is_bound_by_the_id_we_stored_whatever_its_metadata_says(
    stripe: Sandbox, buyer: APIClient, other: APIClient, payment_type: str, metadata: str, together: bool
) -> None:
    paid = buying.credits(buyer, "50.00", payment_type=payment_type)
    named = buying.credits(other, "50.00", payment_type=payment_type)

    def relabel(obj: Json) -> None:
        if "metadata" not in obj:
            return
        if metadata == "missing":
            obj.pop("metadata")
        else:
            order_id = {"of another order": named["order_id"], "of no order": "ord_" + "a" * 20}.get(metadata)
            obj["metadata"] = {"order_id": order_id, "refund_id": "rfd_none"} if order_id else {}

    pay_only(stripe, paid)
    arrive_changed(stripe, relabel, together=together)
    assert (status_of(paid), status_of(named)) == ("completed", "pending")
    stripe.control.refund(order_of(paid).stripe_payment_intent_id, 1500)
    arrive_changed(stripe, relabel, together=together)
    assert (status_of(paid), order_of(paid).refunded_minor) == ("partially_refunded", 1500)
    assert (buying.balance(buyer), buying.balance(other)) == ("35.00", "0.00")
    assert Refund.objects.get().order == order_of(paid)


def another(part: str) -> Change:
    """What makes a payment not the one that was asked for."""

    def change(intent: Obj) -> None:
        if part == "amount":
            intent["amount"] = 5000
        elif part == "currency":
            intent["currency"] = "eur"
        else:
            intent["customer"] = "cus_of_somebody_else"

    return change


@pytest.mark.parametrize("source", ["told by its event", "found at Stripe"])
@pytest.mark.parametrize("part", ["amount", "currency", "customer"])
def test_a_payment_that_is_not_what_the_order_asked_for_is_quarantined_returned_and_told(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    settings: Settings,
    mailoutbox: list[Any],
    part: str,
    source: str,
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    session = make_service(ServiceType.SESSION, ana)
    purchase = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    intent = stripe.state.store.payment_intents.get(purchase["payment_intent_id"])
    assert intent is not None
    another(part)(intent)
    pay_only(stripe, purchase)
    if source == "found at Stripe":
        stripe.control.lose_events()
        buyer.post(f"/api/v1/orders/{purchase['order_id']}/sync/")
    settle_everything(stripe)
    order = order_of(purchase)
    assert (order.status, order.captured_minor, Booking.objects.count()) == ("canceled", 0, 0)
    [refund] = Refund.objects.all()
    assert (refund.is_unmatched, refund.status, refund.card_minor) == (
        True,
        "succeeded",
        intent["amount_received"],
    )
    [charge] = stripe.state.store.charges
    assert charge["amount_refunded"] == charge["amount"]
    assert len([mail for mail in mailoutbox if "payment_quarantined" in mail.subject]) == 1


def test_a_payment_of_another_mode_has_no_effect_and_staff_are_told(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.credits(buyer)
    pay_only(stripe, order)
    for delivery in stripe.take_deliveries():
        body = json.dumps(json.loads(delivery.body) | {"livemode": True}).encode()
        assert send(body, signed(body)).status_code == 200
    processor.drain()
    run_jobs()
    assert (status_of(order), CreditTransaction.objects.count()) == ("pending", 0)
    assert {mail.subject for mail in mailoutbox} == {"[Estuary alert] wrong_mode"}


# --- Before our own commit ----------------------------------------------------------------------------------


def test_an_event_that_comes_before_its_payment_is_written_down_here_is_not_lost(
    stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is committed before Stripe is asked, so the news finds it though the payment's id is not saved yet."""
    remember = stripe_creation.save_stripe_id

    def pay_before_saving(order: Any, payment: Any) -> None:
        stripe.control.confirm(payment.id)
        deliver(stripe)
        remember(order, payment)

    monkeypatch.setattr(stripe_creation, "save_stripe_id", pay_before_saving)
    purchase = buying.credits(buyer, "50.00")
    assert (status_of(purchase), buying.balance(buyer)) == ("completed", "50.00")
    settle_everything(stripe)
    assert CreditTransaction.objects.count() == 1
    assert not Refund.objects.exists()


def test_a_refund_that_is_told_before_its_payment_waits_for_it_and_is_settled(
    stripe: Sandbox, buyer: APIClient
) -> None:
    """Stripe can't be asked at that moment: the event waits, and is retried."""
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    stripe.control.refund(order["payment_intent_id"], 2000)
    early = [one for one in stripe.take_deliveries() if one.type.startswith(("refund.", "charge.refunded"))]
    stripe.faults.add("timeout_before", "GET *", times=None)
    for delivery in early:
        assert post_event(delivery) == 200
    processor.drain()
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"pending"}
    assert (status_of(order), Refund.objects.count()) == ("pending", 0)
    stripe.faults.clear()
    for row in WebhookEvent.objects.all():
        row.due_at = row.received_at
        row.save()
    processor.drain()
    assert (status_of(order), order_of(order).refunded_minor, buying.balance(buyer)) == (
        "partially_refunded",
        2000,
        "30.00",
    )


# --- No door beside the signature -----------------------------------------------------------------------------


@pytest.mark.parametrize("secrets", [[], ["whsec_of_another_house_altogether"]])
def test_nothing_opens_the_door_to_what_is_not_signed(
    stripe: Sandbox, settings: Settings, secrets: list[str]
) -> None:
    """Neither a debug mode nor a list of secrets that is empty by mistake."""
    settings.DEBUG, settings.STRIPE_WEBHOOK_SECRETS = True, secrets
    for header in (None, "", signed(b"{}"), signed(b"{}", "")):
        assert send(b"{}", header).status_code == 400
    assert not WebhookEvent.objects.exists()
