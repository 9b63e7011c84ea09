"""What stands in a body has the type that the document says: a number is no yes or no, and no reason."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.factories import REFUNDING, make_staff, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import CREATE

NO_BOOLEANS = [0, 1, "true", "yes", "on", "", [], {}]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def buyer(transactional_db: None) -> APIClient:
    return signed_in(make_user("Maya Lindqvist"))


@pytest.mark.parametrize("flag", ["is_credit_purchase", "use_credits", "save_payment_method"])
@pytest.mark.parametrize("value", NO_BOOLEANS)
def test_only_true_and_false_are_a_choice_about_money(
    stripe: Sandbox, buyer: APIClient, flag: str, value: Any
) -> None:
    answer = buyer.post(CREATE, {"is_credit_purchase": True, "amount": "20.00", flag: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert flag in answer.json()["errors"]
    assert not Order.objects.exists() and not stripe.requests


@pytest.mark.parametrize(("name", "value"), [("cancel_booking", "yes"), ("cancel_booking", 1), ("reason", 5)])
def test_a_refund_is_asked_for_in_the_types_of_the_document(
    stripe: Sandbox, buyer: APIClient, name: str, value: Any
) -> None:
    order = buying.buy_credits(stripe, buyer)
    staff = signed_in(make_staff("Ines Duarte", *REFUNDING))
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {"amount": "1.00", name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert name in answer.json()["errors"]


def test_the_document_says_that_ids_come_as_text_or_as_numbers(buyer: APIClient) -> None:
    schemas = buyer.get("/api/schema/", {"format": "json"}).json()["components"]["schemas"]
    for schema, name in [
        ("PaymentRequestRequest", "service_id"),
        ("PaymentRequestRequest", "payment_method_id"),
        ("SchedulingRequest", "service_session_id"),
        ("ScheduleRequest", "service_session_id"),
        ("DefaultCardRequest", "payment_method_id"),
        ("RefundRequestRequest", "booking_id"),
    ]:
        kinds = {one["type"] for one in schemas[schema]["properties"][name]["oneOf"]}
        assert kinds == {"string", "integer"}, (schema, name)
