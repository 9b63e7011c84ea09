"""Stripe on a bad day: the caller gets a 503 that says when to come back, nothing is lost and nothing doubled."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.orders.models import Order
from estuary.payments.errors import StripeRefused
from estuary.payments.models import PaymentMethod, Refund, StripeCustomer
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import pay, status_of
from tests.sandbox_bridge import forget_jobs, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = {"intent": "POST /v1/payment_intents", "checkout": "POST /v1/checkout/sessions"}
FAULTS = {
    "timeout_before": "payment_service_unavailable",
    "timeout_after": "payment_service_unavailable",
    "cut": "payment_service_unavailable",
    "rate_limit": "payment_service_busy",
    "lock_timeout": "payment_service_busy",
    "error_before": "payment_service_failed",
    "revoked_key": "payment_service_unavailable",
}
BOTH = pytest.mark.parametrize("payment_type", ["intent", "checkout"])


def unavailable(buyer: APIClient, code: str, **body: Any) -> None:
    answer = buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "100.00", **body})
    assert (answer.status_code, answer.json()["code"]) == (503, code), answer.json()
    assert int(answer["Retry-After"]) > 0


def things_to_pay(stripe: Sandbox, payment_type: str) -> int:
    store = stripe.state.store
    return len(store.payment_intents if payment_type == "intent" else store.checkout_sessions)


@pytest.mark.exhaustive(one_in=2)
@BOTH
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_stripe_loses_nothing_and_the_second_try_pays_once(
    stripe: Sandbox, buyer: APIClient, fault: str, payment_type: str
) -> None:
    stripe.faults.add(fault, PATHS[payment_type])
    unavailable(buyer, FAULTS[fault], payment_type=payment_type)
    order = Order.objects.get()
    assert order.status == "pending"
    purchase = buying.credits(buyer, payment_type=payment_type)
    assert purchase["order_id"] == order.public_id
    assert things_to_pay(stripe, payment_type) == 1
    pay(stripe, purchase)
    assert (status_of(purchase), buying.balance(buyer)) == ("completed", "100.00")


@BOTH
@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_a_failure_that_stripe_remembers_ends_with_one_thing_to_pay(
    stripe: Sandbox, buyer: APIClient, payment_type: str, effect: bool
) -> None:
    stripe.faults.add("error_saved", PATHS[payment_type], effect=effect)
    body = {"is_credit_purchase": True, "amount": "100.00", "payment_type": payment_type}
    first = buyer.post(buying.CREATE, body)
    assert first.status_code in {201, 503}
    order = buying.credits(buyer, payment_type=payment_type)
    assert things_to_pay(stripe, payment_type) == 1
    pay(stripe, order)
    assert (status_of(order), Order.objects.count()) == ("completed", 1)


def test_a_failure_that_stripe_remembers_for_the_customer_is_overcome(
    stripe: Sandbox, buyer: APIClient
) -> None:
    stripe.faults.add("error_saved", "POST /v1/customers")
    unavailable(buyer, "payment_service_failed")
    order = buying.credits(buyer)
    pay(stripe, order)
    assert (status_of(order), len(stripe.state.store.customers)) == ("completed", 1)


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_before"])
def test_a_customer_whose_making_failed_is_made_once(stripe: Sandbox, buyer: APIClient, fault: str) -> None:
    stripe.faults.add(fault, "POST /v1/customers")
    assert buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "5.00"}).status_code == 503
    buying.credits(buyer, "5.00")
    assert len(stripe.state.store.customers) == 1


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_a_confirmation_whose_answer_was_lost_charges_once(
    stripe: Sandbox, buyer: APIClient, fault: str
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    stripe.faults.add(fault, "POST /v1/payment_intents/*/confirm")
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card["id"]}
    assert buyer.post(buying.CREATE, body).status_code == 503
    again = buyer.post(buying.CREATE, body)
    assert (again.status_code, again.json()["status"]) == (201, "completed"), again.json()
    settle_everything(stripe)
    assert buying.balance(buyer) == "30.00"
    assert len(stripe.state.store.charges) == 2


def test_a_refund_that_stripe_failed_and_remembers_is_given_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "10.00")
    stripe.faults.add("error_saved", "POST /v1/refunds")
    assert buying.refund(staff, order)["status"] == "requested"
    settle_everything(stripe)
    assert (Refund.objects.get().status, len(stripe.state.store.refunds)) == ("succeeded", 1)
    assert status_of(order) == "refunded"


def test_a_revoked_key_is_a_503_and_changes_nothing(stripe: Sandbox, buyer: APIClient) -> None:
    stripe.control.revoke_key(settings.STRIPE_SECRET_KEY)
    unavailable(buyer, "payment_service_unavailable")
    assert (Order.objects.get().status, len(stripe.state.store.customers)) == ("pending", 0)


def test_a_refund_whose_answer_was_lost_is_found_again_after_its_key_is_forgotten(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer)
    stripe.faults.add("timeout_after", "POST /v1/refunds")
    refund = buying.refund(staff, order, amount="40.00")
    assert refund["status"] == "requested"
    stripe.control.advance(25 * 3600)
    Refund.objects.update(created_at=F("created_at") - timedelta(hours=25))
    overdue.send_unsent_refunds()
    assert Refund.objects.get().status == "succeeded"
    assert len(stripe.state.store.refunds) == 1


@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_a_card_whose_removal_stripe_failed_and_remembers_is_removed_all_the_same(
    stripe: Sandbox, buyer: APIClient, effect: bool
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    stripe.faults.add("error_saved", "POST /v1/payment_methods/*/detach", effect=effect)
    buyer.delete(f"{buying.METHODS}{card['id']}/")
    with pytest.raises(StripeRefused):
        run_jobs()
    forget_jobs()
    assert overdue.detach_removed_payment_methods() == 1
    [method] = stripe.state.store.payment_methods
    assert (method["customer"], PaymentMethod.objects.get().detach_pending) == (None, False)
    assert overdue.detach_removed_payment_methods() == 0


def test_a_buyer_with_a_very_long_name_can_buy(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    maya.first_name, maya.last_name = "A" * 100, "B" * 100
    maya.save()
    pay(stripe, buying.credits(buyer))
    assert [customer["name"] for customer in stripe.state.store.customers] == ["A" * 100 + " " + "B" * 49]
    stripe.control.delete_customer(StripeCustomer.objects.get().stripe_customer_id)
    settle_everything(stripe)
    assert buying.balance(buyer) == "100.00"
    pay(stripe, buying.credits(buyer))
    assert buying.balance(buyer) == "200.00"
