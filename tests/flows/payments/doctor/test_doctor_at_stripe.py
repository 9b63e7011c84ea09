"""The doctor's comparison with Stripe: each difference is named, on whichever side it is, and only that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.doctor import stripe_comparison
from estuary.payments.models import Dispute, Refund
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.flows import buying
from tests.flows.buying import Json
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

type Damage = Callable[[Sandbox, Json], object]


def codes() -> set[str]:
    at = clock.now() + timedelta(minutes=16)
    return {breach.code for breach in stripe_comparison.compare(since=at - timedelta(days=1), at=at)}


def another(stripe: Sandbox, order: Json, *, paid: bool) -> None:
    """Stripe has another payment for the same order."""
    first = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert first is not None
    label = {"amount": 5000, "currency": "usd", "customer": first["customer"], "metadata": first["metadata"]}
    second = client.create_intent(label, key=f"another {len(stripe.requests)}")
    if paid:
        stripe.control.confirm(second.id)


def forget_refund(stripe: Sandbox, order: Json) -> None:
    Refund.objects.all().delete()


def plant_dispute(stripe: Sandbox, order: Json) -> None:
    """The bank has decided, and here the dispute is open."""
    opened = stripe.control.dispute(order["payment_intent_id"])
    stripe.control.close_dispute(opened["id"], "lost")
    Dispute.objects.create(
        order=Order.objects.get(public_id=order["order_id"]),
        stripe_dispute_id=opened["id"],
        stripe_payment_intent_id=order["payment_intent_id"],
        currency="usd",
        amount_minor=opened["amount"],
        reason="fraudulent",
        status="needs_response",
        opened_at=clock.now(),
    )


DAMAGE: list[tuple[str, Damage]] = [
    ("captured_unknown_here", lambda stripe, order: another(stripe, order, paid=True)),
    ("captured_unknown_there", lambda _, __: Order.objects.update(stripe_payment_intent_id="pi_gone")),
    (
        "captured_differs",
        lambda _, __: Order.objects.update(captured_minor=4999, amount_due_minor=4999, total_minor=4999),
    ),
    ("captured_differs", lambda _, __: Order.objects.update(currency="eur")),
    ("captured_differs", lambda _, __: Order.objects.update(stripe_customer_id="cus_other")),
    ("refund_unknown_here", forget_refund),
    ("refund_unknown_here", lambda stripe, order: stripe.control.refund(order["payment_intent_id"], 100)),
    ("refund_unknown_there", lambda _, order: plant_refund(order)),
    ("refund_differs", lambda _, __: Refund.objects.update(card_minor=999)),
    ("refund_differs", lambda _, __: Refund.objects.update(status="pending")),
    ("open_after_end", lambda stripe, order: another(stripe, order, paid=False)),
    ("dispute_unknown_here", lambda stripe, order: stripe.control.dispute(order["payment_intent_id"])),
    ("dispute_differs", plant_dispute),
    ("customer_differs", lambda stripe, _: rename_at_stripe(stripe)),
]


def rename_at_stripe(stripe: Sandbox) -> None:
    """Somebody mistypes an address in the dashboard. The table's objects are put back as they were, by identity."""
    table = stripe.state.store.customers
    for name, customer in list(table._objects.items()):
        table._objects[name] = customer | {"email": "typo@example.com"}


def plant_refund(order: Json) -> None:
    Refund.objects.create(
        order=Order.objects.get(public_id=order["order_id"]),
        stripe_payment_intent_id=order["payment_intent_id"],
        stripe_refund_id="re_never_made",
        currency="usd",
        card_minor=1,
        credits_minor=0,
        status="succeeded",
        origin="staff",
    )


def test_each_difference_is_named_and_only_that(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, subtests: Any
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, order, amount="10.00")
    settle_everything(stripe)
    healthy = contents()
    for number, (code, damage) in enumerate(DAMAGE):
        there = [
            dict(table._objects) for table in vars(stripe.state.store).values() if hasattr(table, "_objects")
        ]
        with subtests.test(code, number=number):
            assert codes() == set()
            damage(stripe, order)
            expected = {code}
            if damage is DAMAGE[1][1]:  # the payment that Stripe has is then nobody's
                expected |= {"captured_unknown_here"}
            assert codes() == expected
        put_back(healthy)
        _put_stripe_back(stripe, there)


def _put_stripe_back(stripe: Sandbox, there: list[dict[str, Any]]) -> None:
    """Take out of Stripe what a damage has added."""
    tables = [table for table in vars(stripe.state.store).values() if hasattr(table, "_objects")]
    for table, objects in zip(tables, there, strict=True):
        table._objects |= objects
        for added in set(table._objects) - set(objects):
            del table._objects[added]
            table._order.remove(added)
            table._position = {name: place for place, name in enumerate(table._order)}


def test_two_open_ways_to_pay_for_one_order_are_named(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00")
    assert codes() == set()
    another(stripe, order, paid=False)
    assert codes() == {"open_twice"}
    for intent in stripe.state.store.payment_intents:
        stripe.control.cancel(intent["id"])
    settle_everything(stripe)


def test_a_refund_that_was_made_twice_is_named(stripe: Sandbox, buyer: APIClient, staff: APIClient) -> None:
    """40 were to come back, and 80 did."""
    order = buying.buy_credits(stripe, buyer, "100.00")
    first = buying.refund(staff, order, amount="40.00")
    label = {"refund_id": first["refund_id"], "order_id": order["order_id"]}
    again = {"payment_intent": order["payment_intent_id"], "amount": 4000, "metadata": label}
    client.create_refund(again, key="another")
    settle_everything(stripe)
    assert codes() == {"refund_made_twice", "refund_unknown_here"}


def test_no_difference_is_without_its_damage() -> None:
    assert {code for code, _ in DAMAGE} | {"open_twice", "refund_made_twice"} == set(
        stripe_comparison.SENTENCES
    )


def test_what_is_on_its_way_or_not_ours_is_no_difference(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00")
    stripe.control.confirm(order["payment_intent_id"])
    foreign = client.create_intent({"amount": 900, "currency": "usd"}, key="of another shop")
    stripe.control.confirm(foreign.id)
    at = clock.now() + timedelta(minutes=1)
    assert stripe_comparison.compare(since=at - timedelta(days=1), at=at) == []
    settle_everything(stripe)
    assert codes() == set()


def test_the_payment_of_a_page_that_is_over_is_open_to_nobody(stripe: Sandbox, buyer: APIClient) -> None:
    """The bank refused after the page was completed: Stripe leaves its payment as it was, and no door leads to it."""
    order = buying.credits(buyer, payment_type="checkout")
    buying.pay(stripe, order, method="us_bank_account")
    [intent] = stripe.state.store.payment_intents
    stripe.control.fail_settlement(intent["id"])
    settle_everything(stripe)
    assert (buying.status_of(order), intent["status"]) == ("canceled", "requires_payment_method")
    assert codes() == set()


def test_every_page_of_stripes_lists_is_read(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    first = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert first is not None
    another(stripe, order, paid=True)
    for number in range(120):
        client.create_intent({"amount": 900, "currency": "usd"}, key=str(number))
    assert codes() == {"captured_unknown_here"}
    settle_everything(stripe)
