"""A purchase with a key whose answer was lost, sent again when the card is no longer there."""

from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.payments.test_idempotency import send
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_charged", [True, False], ids=["charged", "not charged"])
def test_a_retry_whose_card_was_removed_meanwhile_says_what_became_of_the_payment(
    stripe: Sandbox, buyer: APIClient, card: str, is_charged: bool
) -> None:
    key, body = str(uuid4()), {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    fault = "timeout_after" if is_charged else "timeout_before"
    stripe.faults.add(fault, "POST /v1/payment_intents/*/confirm")
    unknown = send(buyer, body, key)
    assert unknown.status_code == 503
    assert buyer.delete(f"{buying.METHODS}{card}/").status_code == 204
    again = send(buyer, body, key)
    if is_charged:
        assert (again.status_code, again.json()["order_id"]) == (201, unknown.json()["order_id"])
        assert (again.json()["status"], again.json()["payment_status"]) == ("completed", "succeeded")
        assert send(buyer, body, key)["Idempotency-Replayed"] == "true"
    else:
        assert (again.status_code, again.json()["code"]) == (409, "card_removed")
    settle_everything(stripe)
    charged = [charge["amount"] for charge in stripe.state.store.charges if charge["paid"]]
    assert charged == [1_000] + [2_000] * is_charged
