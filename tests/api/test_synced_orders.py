"""Asking Stripe about an order, when Stripe says no: answered as the document promises."""

import pytest
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows import buying

SYNC = "/api/v1/orders/{public_id}/sync/"


@pytest.mark.django_db(transaction=True)
def test_stripe_refusing_to_tell_how_an_order_stands_is_a_conflict_that_the_document_has(
    stripe: Sandbox, public: APIClient
) -> None:
    buyer = signed_in(make_user("Maya Lindqvist"))
    order = buying.credits(buyer)
    stripe.faults.add("refuse", "GET /v1/payment_intents*", times=4)
    answer = buyer.post(SYNC.format(public_id=order["order_id"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_changed")
    document = public.get("/api/schema/", {"format": "json"}).json()
    assert "409" in document["paths"][SYNC]["post"]["responses"]
