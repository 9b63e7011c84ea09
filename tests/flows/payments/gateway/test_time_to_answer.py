"""A Stripe each of whose answers comes in time, and all of them together do not: the buyer is told all the same."""

from collections.abc import Iterator

import pytest
import requests
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.gateway import deadline
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import CREATE
from tests.flows.payments.gateway.test_calls_to_stripe import keys_sent
from tests.sandbox_bridge import settle_everything
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

CREDITS = {"is_credit_purchase": True, "amount": "20.00"}
SLOW_S = 3.0  # each of two answers: less than a call waits for, and together more than an answer may take
JUST_IN_TIME_S = 4.0  # one answer, after a connection that took no time


@pytest.fixture
def over_the_wire(address: str, settings: Settings) -> Iterator[None]:
    """The SDK's own HTTP client, whose timeouts are real, bound to the Stripe of the test."""
    assert SLOW_S < deadline.REQUEST_BUDGET_S < 2 * SLOW_S
    settings.STRIPE_HTTP_CLIENT, settings.STRIPE_API_BASE = "", address
    client._client.cache_clear()
    yield
    client._client.cache_clear()


@pytest.mark.usefixtures("over_the_wire")
def test_two_slow_answers_together_are_a_503_and_the_same_request_again_makes_one_payment(
    stripe: Sandbox, buyer: APIClient
) -> None:
    stripe.faults.add("slow", "POST /v1/customers", seconds=SLOW_S)
    stripe.faults.add("slow", "POST /v1/payment_intents", seconds=SLOW_S)
    key = {"Idempotency-Key": "ten-thousand-things"}
    answer = buyer.post(CREATE, CREDITS, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_service_unavailable")
    assert int(answer["Retry-After"]) > 0
    wait_until(
        lambda: buyer.post(CREATE, CREDITS, headers=key).status_code == 201
    )  # the first try still holds its key
    again = buyer.post(CREATE, CREDITS, headers=key)
    assert [order.public_id for order in Order.objects.all()] == [again.json()["order_id"]]
    sent = keys_sent(stripe, "/v1/payment_intents")
    assert len(set(sent)) == 1 < len(sent)
    buying.pay(stripe, again.json())
    settle_everything(stripe)


@pytest.mark.usefixtures("over_the_wire")
def test_an_answer_that_comes_just_in_time_is_used(stripe: Sandbox, buyer: APIClient) -> None:
    buying.credits(buyer)  # the customer is known to Stripe now
    stripe.faults.add("slow", "POST /v1/payment_intents", seconds=JUST_IN_TIME_S)
    assert buyer.post(CREATE, CREDITS).status_code == 201


def test_nothing_is_sent_when_the_time_for_an_answer_is_over() -> None:
    token = deadline._until.set(0.0)
    try:
        with pytest.raises(requests.Timeout):
            deadline.timeout()
    finally:
        deadline._until.reset(token)
