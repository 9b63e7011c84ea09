"""A purchase that was given back stands in nobody's way; one that was not, does."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import pay, status_of
from tests.flows.payments.checkout.test_bought_just_now import AFTER_TEN_MINUTES, a_bundle, later
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("back", ["refunded", "on its way back", "a part"])
def test_only_what_was_not_given_back_stands_in_the_way(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, card: str, back: str
) -> None:
    body = a_bundle(ana) | {"payment_method_id": card}
    first = buying.create(buyer, **body)
    settle_everything(stripe)
    if back == "on its way back":
        stripe.faults.add("timeout_before", "POST /v1/refunds")
    buying.refund(staff, first, **({"amount": "5.00"} if back == "a part" else {}))
    if back == "a part":
        settle_everything(stripe)
        assert status_of(first) == "partially_refunded"
        assert buying.refused(buyer, 409, "bought_just_now", **body)["order_id"] == first["order_id"]
    else:
        assert status_of(first) == ("refunded" if back == "refunded" else "completed")
        assert buying.create(buyer, **body)["order_id"] != first["order_id"]
    settle_everything(stripe)


def test_a_canceled_order_stands_in_nobody_s_way(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, card: str
) -> None:
    body = a_bundle(ana)
    first = buying.create(buyer, **body)
    assert buyer.post(f"/api/v1/orders/{first['order_id']}/cancel/").status_code == 200
    assert buying.create(buyer, **body, payment_method_id=card)["status"] == "completed"
    settle_everything(stripe)


def test_a_payment_that_its_bank_works_on_is_told_of_as_well(
    stripe: Sandbox, buyer: APIClient, maya: User, card: str
) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    order = buying.credits(buyer, "20.00")
    Order.objects.filter(public_id=order["order_id"]).update(
        status="processing", stripe_payment_method_id="pm_that_takes_days"
    )
    problem = buying.refused(buyer, 409, "bought_just_now", **body)
    assert problem["order_id"] == order["order_id"]
    buying.refused(buyer, 409, "payment_processing", **body, again=order["order_id"])
    with later(AFTER_TEN_MINUTES):
        buying.refused(signed_in(maya), 409, "payment_processing", **body)
    Order.objects.filter(public_id=order["order_id"]).update(status="pending")
    pay(stripe, order)
