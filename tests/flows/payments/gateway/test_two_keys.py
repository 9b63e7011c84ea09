"""Two of our own requests at Stripe for one order: no key is given up while another may be at work under it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.checkout import stripe_creation
from estuary.payments.errors import StripeRefused
from estuary.payments.gateway import idempotency_keys
from estuary.payments.models import Refund, StripeCustomer
from estuary.payments.refunds import request_refund as refunds
from stripe_sandbox import Sandbox
from tests.factories import signed_in
from tests.flows import buying
from tests.flows.buying import CREATE, pay, status_of
from tests.flows.payments.gateway.test_calls_to_stripe import later, open_ways
from tests.flows.payments.test_idempotency import CREDITS
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = {"intent": "POST /v1/payment_intents", "checkout": "POST /v1/checkout/sessions"}
BOTH = pytest.mark.parametrize("payment_type", PATHS)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str]]:
    """Every POST for something to pay or to give back, as it was sent."""
    kept: list[tuple[Any, str]] = []

    def keeping(send: Any) -> Any:
        def keep(params: Any, *, key: str) -> Any:
            kept.append((params, key))
            return send(params, key=key)

        return keep

    for name in ("create_intent", "create_session", "create_refund"):
        monkeypatch.setattr(client, name, keeping(getattr(client, name)))
    return kept


@BOTH
def test_a_key_is_not_given_up_when_another_tab_has_asked_under_it_meanwhile(
    stripe: Sandbox, buyer: APIClient, maya: User, monkeypatch: pytest.MonkeyPatch, payment_type: str
) -> None:
    """What seed 50372 told: a failure, a look that finds nothing, and just then the other tab, whose answer is cut."""
    body, look, looks = {**CREDITS, "payment_type": payment_type}, stripe_creation.find_created, iter([True])

    def and_the_other_tab_asks(order: Order) -> Any:
        payment = look(order)
        if next(looks, False):
            stripe.faults.add("cut", PATHS[payment_type])
            assert signed_in(maya).post(CREATE, body).status_code == 503
        return payment

    stripe.faults.add("error_before", PATHS[payment_type])
    with monkeypatch.context() as racing:
        racing.setattr(stripe_creation, "find_created", and_the_other_tab_asks)
        assert buyer.post(CREATE, body).status_code == 503
    purchase = buyer.post(CREATE, body).json()
    assert len(open_ways(stripe)) == 1
    pay(stripe, purchase)
    assert buying.balance(buyer) == "20.00"


@BOTH
def test_a_request_that_reaches_stripe_late_makes_no_second_thing_to_pay(
    stripe: Sandbox, buyer: APIClient, sent: list[tuple[Any, str]], payment_type: str
) -> None:
    body = {**CREDITS, "payment_type": payment_type}
    stripe.faults.add("timeout_before", PATHS[payment_type])
    stripe.faults.add("error_before", PATHS[payment_type])
    assert [buyer.post(CREATE, body).status_code for _ in range(2)] == [503, 503]
    order = buyer.post(CREATE, body).json()
    first, key = sent[0]
    (client.create_intent if payment_type == "intent" else client.create_session)(first, key=key)
    assert len(open_ways(stripe)) == 1
    pay(stripe, order)
    assert buying.balance(buyer) == "20.00"


@BOTH
def test_a_failure_that_stripe_remembers_after_a_lost_answer_is_overcome_once_stripe_is_surely_done(
    stripe: Sandbox, buyer: APIClient, maya: User, payment_type: str
) -> None:
    body = {**CREDITS, "payment_type": payment_type}
    stripe.faults.add("timeout_before", PATHS[payment_type])
    stripe.faults.add("error_saved", PATHS[payment_type])
    assert [buyer.post(CREATE, body).status_code for _ in range(4)] == [503] * 4
    with later(idempotency_keys.STRIPE_REQUEST_MAX_AGE + timedelta(seconds=1)):
        tab = signed_in(maya)
        assert tab.post(CREATE, body).status_code == 503  # its key is given up now
        order = tab.post(CREATE, body).json()
        pay(stripe, order)
    assert (status_of(order), len(open_ways(stripe))) == ("completed", 0)


def test_a_key_for_a_customer_who_was_replaced_is_kept_while_stripe_may_be_at_it(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    """The sweep found whom Stripe knew before; what was asked for the other one is withdrawn first."""
    buying.buy_credits(stripe, buyer, "5.00")
    stripe.faults.add("timeout_after", PATHS["intent"])
    assert buyer.post(CREATE, CREDITS).status_code == 503
    another = client.create_customer(
        email=maya.email, name="", metadata={"user_id": str(maya.pk)}, key="another"
    )
    StripeCustomer.objects.update(stripe_customer_id=another)
    assert buyer.post(CREATE, CREDITS).json()["code"] == "payment_service_busy"
    with later(idempotency_keys.STRIPE_REQUEST_MAX_AGE + timedelta(seconds=1)):
        order = signed_in(maya).post(CREATE, CREDITS).json()
        assert open_ways(stripe) == [order["payment_intent_id"]]
        pay(stripe, order)
    assert status_of(order) == "completed"


def test_a_refund_that_reaches_stripe_late_is_made_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, sent: list[tuple[Any, str]]
) -> None:
    """The web process and the worker send one refund at once: 40 of 100 come back, and not 80."""
    order = buying.buy_credits(stripe, buyer)
    stripe.faults.add("timeout_before", "POST /v1/refunds")
    stripe.faults.add("error_before", "POST /v1/refunds")
    buying.refund(staff, order, amount="40.00")
    first, key = sent[-1]
    refund = Refund.objects.get()
    with pytest.raises(StripeRefused):
        refunds.send_refund(refund.pk)
    refunds.send_refund(refund.pk)
    client.create_refund(first, key=key)
    settle_everything(stripe)
    assert [one["amount"] for one in stripe.state.store.refunds] == [4000]


def test_a_refund_s_key_is_given_up_once_stripe_is_surely_done(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer)
    stripe.faults.add("timeout_before", "POST /v1/refunds")
    stripe.faults.add("error_saved", "POST /v1/refunds")
    buying.refund(staff, order, amount="40.00")
    refund = Refund.objects.get()
    for _ in range(2):
        with pytest.raises(StripeRefused):
            refunds.send_refund(refund.pk)
    Refund.objects.update(requested_at=F("requested_at") - idempotency_keys.STRIPE_REQUEST_MAX_AGE)
    with pytest.raises(StripeRefused):
        refunds.send_refund(refund.pk)
    refunds.send_refund(refund.pk)
    assert (Refund.objects.get().status, len(stripe.state.store.refunds)) == ("succeeded", 1)
