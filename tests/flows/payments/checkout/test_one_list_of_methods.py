"""One list says how one can pay: intents, saved cards and pages carry it, and what is no card is not kept."""

from typing import Any

import pytest
import stripe as stripe_sdk
from django.core import mail
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.payments.customers.payment_method_types import ALLOWED_PAYMENT_METHOD_TYPES
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.reconciliation.customers import resync_payment_methods
from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import client
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.sandbox_bridge import settle_everything

SETUP, CONFIG = "/api/v1/payments/methods/setup/", "/api/v1/payments/config/"
# What makes something that a buyer can pay or save with.
PAYABLE = ("/v1/payment_intents", "/v1/setup_intents", "/v1/checkout/sessions")
BANK: Any = "pm_usBankAccount_success"


def at_stripe(stripe: Sandbox) -> stripe_sdk.StripeClient:
    return client(stripe)


def everything_that_can_be_paid(buyer: APIClient, ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seats = make_sessions(workshop, 2)
    buying.credits(buyer)
    buying.credits(buyer, "25.00", payment_type="checkout", save_payment_method=False)
    for seat in seats:
        wish = {"service_session_id": str(seat.pk)}
        for payment_type in ("intent", "checkout"):
            buying.create(buyer, service_id=str(workshop.pk), scheduling_data=wish, payment_type=payment_type)
    assert buyer.post(SETUP).status_code == 201


def test_every_request_that_makes_something_to_pay_by_carries_the_one_list(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    everything_that_can_be_paid(buyer, ana)
    requests_by_path = {path: buying.posts(stripe, path) for path in PAYABLE}
    assert all(requests_by_path.values())
    for request in (request for requests in requests_by_path.values() for request in requests):
        types = request.params["allowed_payment_method_types"]
        assert list(types.values() if isinstance(types, dict) else types) == list(
            ALLOWED_PAYMENT_METHOD_TYPES
        )
        assert not request.params.keys() & {"payment_method_types", "excluded_payment_method_types"}
    for page in requests_by_path["/v1/checkout/sessions"]:
        assert page.params["adaptive_pricing"] == {"enabled": "false"}
    assert buyer.get(CONFIG).json()["payment_method_types"] == list(ALLOWED_PAYMENT_METHOD_TYPES)


def test_what_is_made_offers_cards_only_whatever_the_dashboard_has_on(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    everything_that_can_be_paid(buyer, ana)
    store = stripe.state.store
    for table in (store.payment_intents, store.setup_intents, store.checkout_sessions):
        assert [payable["payment_method_types"] for payable in table] == [["card"]] * len(list(table))
    assert all(page["adaptive_pricing"] == {"enabled": False} for page in store.checkout_sessions)


def test_a_bank_account_is_refused_where_a_card_is_wanted(stripe: Sandbox, buyer: APIClient) -> None:
    order, setup = buying.credits(buyer), buyer.post(SETUP).json()
    api = at_stripe(stripe).v1
    for confirm, intent_id in (
        (api.payment_intents.confirm, order["payment_intent_id"]),
        (api.setup_intents.confirm, setup["setup_intent_id"]),
    ):
        with pytest.raises(stripe_sdk.InvalidRequestError) as refusal:
            confirm(intent_id, {"payment_method": BANK})
        assert refusal.value.code == "payment_intent_incompatible_payment_method"


@pytest.mark.parametrize("way", ["dashboard", "setup", "restored"])
def test_what_is_no_card_is_removed_again_and_its_owner_told_once(
    stripe: Sandbox, buyer: APIClient, way: str
) -> None:
    setup = buyer.post(SETUP).json()
    owner = StripeCustomer.objects.get()
    if way == "setup":
        stripe.control.confirm_setup(setup["setup_intent_id"], method="us_bank_account")
    else:
        at_stripe(stripe).v1.payment_methods.attach(BANK, {"customer": owner.stripe_customer_id})
    if way == "restored":
        stripe.control.lose_events()
        resync_payment_methods(owner)
    settle_everything(stripe)
    [method] = stripe.state.store.payment_methods
    assert (method["customer"], buying.cards(buyer)) == (None, [])
    [notice] = mail.outbox
    assert notice.to == [owner.user.email]
    assert "6789" in notice.body and "removed" in notice.body
    assert not PaymentMethod.objects.filter(detach_pending=True).exists()
    for event in list(stripe.state.store.events):
        stripe.control.resend(event["id"])
    settle_everything(stripe)
    assert len(mail.outbox) == 1
