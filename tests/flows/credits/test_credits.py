"""Buying credits, from the request to the ledger."""

import pytest

from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_credits_bought_by_card_arrive_with_the_webhook(stripe: Sandbox) -> None:
    buyer = signed_in(make_user())
    answer = buyer.post(
        "/api/v1/payments/create/", {"is_credit_purchase": True, "amount": 100.00, "credit_amount": 100.00}
    )
    assert answer.status_code == 201, answer.json()
    created = answer.json()
    assert created["amount"] == "100.00"
    stripe.control.confirm(created["payment_intent_id"], card="4242424242424242")
    settle_everything(stripe)
    order = buyer.get(f"/api/v1/orders/{created['order_id']}/").json()
    assert order["status"] == "completed"
    credits = buyer.get("/api/v1/credits/").json()
    assert credits["balance"] == "100.00"
    cards = buyer.get("/api/v1/payments/methods/").json()["payment_methods"]
    assert [(card["card_brand"], card["last4"], card["is_default"]) for card in cards] == [
        ("Visa", "4242", True)
    ]
