"""A buyer whose address Stripe refuses is taken as soon as it is corrected, and staff can't set such an address."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.orders.models import Order
from estuary.payments.models import StripeCustomer
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import signed_in
from tests.flows import buying
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CREDITS = {"is_credit_purchase": True, "amount": "20.00"}
REFUSED, CORRECT = "maya@exämple.de", "maya@example.de"
LONG = f"{'m' * 60}@{'e' * 63}.{'x' * 63}.{'a' * 63}.{'b' * 20}.de"
SETUP = f"{buying.METHODS}setup/"


def with_address(user: User, email: str) -> APIClient:
    """Set an address as an import does, which checks nothing."""
    User.objects.filter(pk=user.pk).update(email=email)
    user.refresh_from_db()
    return signed_in(user)


def customers_at(stripe: Sandbox) -> list[str]:
    return [customer["email"] for customer in stripe.state.store.customers]


def test_once_the_address_is_corrected_the_next_request_succeeds(stripe: Sandbox, maya: User) -> None:
    buyer = with_address(maya, REFUSED)
    for _ in range(2):
        problem = buying.refused(buyer, 409, "not_chargeable", **CREDITS)
        assert "Invalid email address" in problem["detail"]
    buying.pay(stripe, buying.create(with_address(maya, CORRECT), **CREDITS))
    assert customers_at(stripe) == [CORRECT]
    assert sorted(Order.objects.values_list("status", flat=True)) == ["canceled", "canceled", "completed"]


def test_a_card_can_be_added_once_the_address_is_corrected(stripe: Sandbox, maya: User) -> None:
    assert with_address(maya, REFUSED).post(SETUP).status_code == 409
    assert with_address(maya, CORRECT).post(SETUP).status_code == 201
    assert customers_at(stripe) == [CORRECT]


def test_a_corrected_name_is_sent_after_a_refused_one(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    stripe.faults.add("refuse", "POST /v1/customers", message="Invalid name.")
    buying.refused(buyer, 409, "not_chargeable", **CREDITS)
    User.objects.filter(pk=maya.pk).update(first_name="May")
    buying.create(signed_in(maya), **CREDITS)
    overdue.update_changed_customers()
    settle_everything(stripe)
    [customer] = stripe.state.store.customers
    assert StripeCustomer.objects.get().name == customer["name"] == "May Lindqvist"


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_refusal_leaves_what_a_lost_answer_had_created(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    """The second request differs, because the shop has moved meanwhile; Stripe refuses another body under one key."""
    stripe.faults.add("timeout_after", "POST /v1/customers")
    assert buyer.post(buying.CREATE, CREDITS | {"payment_type": payment_type}).status_code == 503
    key = StripeCustomer.objects.get().key
    stripe.faults.add("refuse", "POST /v1/customers", code="idempotency_error", message="Keys differ.")
    buying.create(buyer, **CREDITS, payment_type=payment_type)
    assert len(customers_at(stripe)) == 1
    assert StripeCustomer.objects.get().key == key


# --- In the admin -------------------------------------------------------------------------------------------

FORM: dict[str, Any] = {"first_name": "Maya", "last_name": "Berg", "is_active": "on"}


@pytest.mark.parametrize(
    "email", [REFUSED, "maya@[127.0.0.1]", f"{'m' * 60}@{'e' * 63}.{'x' * 63}.{'a' * 63}.{'b' * 20}.de"]
)
def test_staff_cannot_set_an_address_that_stripe_or_mail_refuses(
    stripe: Sandbox, maya: User, email: str
) -> None:
    browser, people = admin_client(), User.objects.count()
    answer = browser.post(f"/admin/accounts/user/{maya.pk}/change/", FORM | {"email": email})
    assert answer.status_code == 200
    assert User.objects.get(pk=maya.pk).email == maya.email
    new = FORM | {"email": email, "usable_password": "false"}
    assert browser.post("/admin/accounts/user/add/", new).status_code == 200
    assert User.objects.count() == people


def test_a_person_who_has_such_an_address_already_can_be_changed(stripe: Sandbox, maya: User) -> None:
    with_address(maya, "erased-7@erased.invalid")
    answer = admin_client().post(
        f"/admin/accounts/user/{maya.pk}/change/", FORM | {"email": maya.email, "first_name": "May"}
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert User.objects.get(pk=maya.pk).first_name == "May"
    run_jobs()
