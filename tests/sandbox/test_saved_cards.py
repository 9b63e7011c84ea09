"""Customers and the cards they keep."""

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.conftest import SECRET
from tests.sandbox.shop import intent, paid, types


def test_a_card_is_saved_listed_and_removed(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    method = paid(api, customer=customer, setup_future_usage="off_session").payment_method
    assert isinstance(method, str)
    assert [m.id for m in api.v1.customers.payment_methods.list(customer).data] == [method]
    types(sandbox)
    gone = api.v1.payment_methods.detach(method)
    event = sandbox.take_deliveries()[0]
    assert gone.customer is None
    assert event.type == "payment_method.detached" and f'"customer": "{customer}"'.encode() in event.body
    assert api.v1.payment_methods.list({"customer": customer}).data == []


def test_a_saved_card_pays_again_and_again(api: stripe.StripeClient, customer: str) -> None:
    method = api.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    assert method.card and method.card.brand == "mastercard"
    assert [paid(api, method.id, customer=customer).status for _ in range(3)] == ["succeeded"] * 3


def test_the_same_number_has_the_same_fingerprint(api: stripe.StripeClient) -> None:
    prints = set()
    for name in ("pm_card_visa", "pm_card_visa", "pm_card_amex"):
        method = paid(api, name).payment_method
        assert isinstance(method, str)
        card = api.v1.payment_methods.retrieve(method).card
        assert card
        prints.add(card.fingerprint)
    assert len(prints) == 2


def test_some_cards_can_not_be_saved_and_one_can_but_never_pays(
    api: stripe.StripeClient, customer: str
) -> None:
    with pytest.raises(stripe.CardError):
        api.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})
    method = api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}).id
    with pytest.raises(stripe.CardError):
        paid(api, method, customer=customer)


def test_a_token_is_good_once(api: stripe.StripeClient) -> None:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    token = api.v1.tokens.create({"card": card}).id  # type: ignore[arg-type]
    assert api.v1.payment_methods.create({"type": "card", "card": {"token": token}}).type == "card"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_methods.create({"type": "card", "card": {"token": token}})
    assert caught.value.code == "token_already_used"
    assert api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).card


def test_a_setup_saves_a_card_without_a_payment(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    setup = api.v1.setup_intents.create({"customer": customer, "usage": "off_session"})
    types(sandbox)
    assert sandbox.control.confirm_setup(setup.id)["status"] == "succeeded"
    assert types(sandbox) == ["payment_method.attached", "setup_intent.succeeded"]
    assert len(api.v1.customers.payment_methods.list(customer).data) == 1


def test_a_setup_may_ask_for_3d_secure_and_be_refused(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    setup = api.v1.setup_intents.create({"customer": customer})
    assert sandbox.control.confirm_setup(setup.id, card="4000002500003155")["status"] == "requires_action"
    assert (
        sandbox.control.fail_challenge(setup.id)["last_setup_error"]["code"]
        == "setup_intent_authentication_failure"
    )
    assert (
        sandbox.control.confirm_setup(setup.id, card="4000000000000002")["last_setup_error"]["code"]
        == "card_declined"
    )
    sandbox.control.confirm_setup(setup.id, card="4000002500003155")
    assert sandbox.control.complete_challenge(setup.id)["status"] == "succeeded"


def test_the_card_updater_renews_a_card(sandbox: Sandbox, api: stripe.StripeClient, customer: str) -> None:
    method = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    types(sandbox)
    sandbox.control.update_card(method, exp_month=3, exp_year=2039, last4="1111")
    (delivery,) = sandbox.take_deliveries()
    event = stripe.Webhook.construct_event(delivery.body, delivery.headers["Stripe-Signature"], SECRET,
                                           tolerance=None)  # type: ignore[arg-type]  # fmt: skip
    assert event.type == "payment_method.automatically_updated"
    assert event.data.previous_attributes and event.data.previous_attributes["card"]["last4"] == "4242"


def test_a_deleted_customer_is_gone_for_good(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    sandbox.control.delete_customer(customer)
    assert "customer.deleted" in types(sandbox)
    assert api.v1.customers.retrieve(customer).deleted is True
    for attempt in (
        lambda: api.v1.customers.update(customer, {"name": "A"}),
        lambda: intent(api, customer=customer),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            attempt()
        assert caught.value.code == "resource_missing"


def test_metadata_is_merged_unset_and_cleared(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    api.v1.customers.update(customer, {"metadata": {"a": "1", "b": "2"}})
    types(sandbox)
    changed = api.v1.customers.update(customer, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata and changed.metadata.to_dict() == {"b": "2", "c": "3"}
    (delivery,) = sandbox.take_deliveries()
    assert delivery.type == "customer.updated"
    cleared = api.v1.customers.update(customer, {"metadata": ""})
    assert cleared.metadata is not None and cleared.metadata.to_dict() == {}
