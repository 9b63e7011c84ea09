"""Options of one type of payment method, mandates, and other parameters whose effect comes later."""

from typing import Any

import pytest
import stripe

from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import client
from tests.sandbox.shop import AUTOMATIC, intent, paid, session

BANK: Any = {
    "type": "us_bank_account",
    "us_bank_account": {
        "account_holder_type": "individual",
        "account_number": "000123456789",
        "routing_number": "110000000",
    },
}
ACCEPTED: Any = {
    "customer_acceptance": {"type": "online", "online": {"ip_address": "10.0.0.1", "user_agent": "Browser"}}
}
CHALLENGING: Any = {"card": {"request_three_d_secure": "any"}}
HELD: Any = {"card": {"capture_method": "manual"}}


def bank_account(api: stripe.StripeClient) -> str:
    return api.v1.payment_methods.create(BANK).id


def charge_of(api: stripe.StripeClient, payment: stripe.PaymentIntent) -> Any:
    return api.v1.charges.retrieve(str(payment.latest_charge))


@pytest.mark.parametrize("moment", ["creation", "update", "confirmation"])
def test_a_card_alone_is_held_when_its_options_say_so(api: stripe.StripeClient, moment: str) -> None:
    options: Any = {"payment_method_options": HELD}
    payment = intent(api, **(options if moment == "creation" else {}))
    if moment == "update":
        api.v1.payment_intents.update(payment.id, options)
    last: Any = {"payment_method": "pm_card_visa"} | (options if moment == "confirmation" else {})
    done = api.v1.payment_intents.confirm(payment.id, last)
    assert (done.status, done.capture_method, done.amount_capturable) == (
        "requires_capture",
        "automatic_async",
        2000,
    )
    assert api.v1.payment_intents.capture(payment.id).status == "succeeded"
    by_bank = intent(api, payment_method_options=HELD)
    debited = api.v1.payment_intents.confirm(by_bank.id, {"payment_method": bank_account(api)})
    assert debited.status == "processing"


def test_the_capture_method_may_come_with_the_confirmation(api: stripe.StripeClient) -> None:
    params: Any = {"payment_method": "pm_card_visa", "capture_method": "manual"}
    assert api.v1.payment_intents.confirm(intent(api).id, params).status == "requires_capture"


@pytest.mark.parametrize(
    ("of_intent", "of_cards", "saved"),
    [("off_session", "none", 0), (None, "off_session", 1), ("on_session", "off_session", 1), (None, None, 0)],
)
def test_a_card_is_saved_as_its_options_say(
    api: stripe.StripeClient, customer: str, of_intent: Any, of_cards: Any, saved: int
) -> None:
    params: Any = {"setup_future_usage": of_intent} if of_intent else {}
    if of_cards:
        params["payment_method_options"] = {"card": {"setup_future_usage": of_cards}}
    paid(api, customer=customer, **params)
    assert len(api.v1.customers.payment_methods.list(customer).data) == saved


def test_an_option_is_unset_by_an_empty_text(api: stripe.StripeClient) -> None:
    payment = intent(api, payment_method_options=HELD)
    params: Any = {
        "payment_method": "pm_card_visa",
        "payment_method_options": {"card": {"capture_method": ""}},
    }
    assert api.v1.payment_intents.confirm(payment.id, params).status == "succeeded"


@pytest.mark.parametrize("moment", ["creation", "update", "confirmation"])
def test_a_set_up_asks_for_3d_secure_when_told_to(
    sandbox: Sandbox, api: stripe.StripeClient, moment: str
) -> None:
    options: Any = {"payment_method_options": CHALLENGING}
    first: Any = {"automatic_payment_methods": AUTOMATIC} | (options if moment == "creation" else {})
    setup = api.v1.setup_intents.create(first)
    if moment == "update":
        api.v1.setup_intents.update(setup.id, options)
    last: Any = {"payment_method": "pm_card_visa"} | (options if moment == "confirmation" else {})
    confirmation = api.v1.setup_intents.confirm(setup.id, last)
    assert confirmation.status == "requires_action"
    assert sandbox.control.complete_challenge(setup.id)["status"] == "succeeded"


def test_a_debit_has_the_mandate_that_the_buyer_gave(api: stripe.StripeClient, customer: str) -> None:
    for saved, use in (({}, "single_use"), ({"setup_future_usage": "off_session"}, "multi_use")):
        payment = paid(api, bank_account(api), customer=customer, mandate_data=ACCEPTED, **saved)
        mandate = api.v1.mandates.retrieve(
            charge_of(api, payment).payment_method_details.us_bank_account.mandate
        )
        assert (mandate.type, mandate.status, mandate.payment_method) == (
            use,
            "active",
            payment.payment_method,
        )
        online = mandate.customer_acceptance.online
        assert online and online.ip_address == "10.0.0.1"
    without = paid(api, bank_account(api))
    assert "mandate" not in charge_of(api, without).payment_method_details.us_bank_account


def test_a_set_up_account_keeps_its_mandate_for_later_debits(api: stripe.StripeClient, customer: str) -> None:
    setup = api.v1.setup_intents.create(
        {"customer": customer, "payment_method": bank_account(api), "confirm": True, "mandate_data": ACCEPTED,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    assert isinstance(setup.mandate, str)
    payment = paid(api, str(setup.payment_method), customer=customer, off_session=True)
    assert charge_of(api, payment).payment_method_details.us_bank_account.mandate == setup.mandate


def test_a_card_needs_no_mandate(api: stripe.StripeClient) -> None:
    payment = paid(api, mandate_data=ACCEPTED)
    assert payment.status == "succeeded"


def test_a_capture_may_change_what_the_statement_says(api: stripe.StripeClient) -> None:
    held = paid(api, capture_method="manual")
    captured = api.v1.payment_intents.capture(held.id, {"statement_descriptor_suffix": "YOGA"})
    assert captured.statement_descriptor_suffix == "YOGA"
    assert charge_of(api, captured).statement_descriptor_suffix == "YOGA"


def test_only_one_capture_can_follow(api: stripe.StripeClient) -> None:
    held = paid(api, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id, {"amount_to_capture": 500, "final_capture": False})
    assert (caught.value.code, caught.value.param) == ("sandbox_not_modeled", "final_capture")
    assert api.v1.payment_intents.capture(held.id, {"final_capture": True}).status == "succeeded"


def test_what_a_session_says_about_cards_holds_for_its_payment(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    held = session(api, payment_method_options=HELD)
    done = sandbox.control.pay_checkout(held.id)
    assert api.v1.payment_intents.retrieve(done["payment_intent"]).status == "requires_capture"
    challenging = session(api, payment_method_options=CHALLENGING)
    answer = sandbox.control.pay_checkout(challenging.id, challenge=None)
    assert answer["status"] == "open"
    assert api.v1.payment_intents.retrieve(answer["payment_intent"]).status == "requires_action"


def test_a_session_takes_no_recurring_price_and_no_other_currency(api: stripe.StripeClient) -> None:
    monthly = api.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "A"},
        }
    )
    for params, words in (
        ({"line_items": [{"price": monthly.id, "quantity": 1}]}, "recurring price"),
        ({"currency": "eur"}, "in usd, not in eur"),
    ):
        with pytest.raises(stripe.InvalidRequestError, match=words):
            session(api, **params)


def test_a_lookup_key_belongs_to_one_price(api: stripe.StripeClient) -> None:
    fields: Any = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "A"}, "lookup_key": "yoga"}
    first = api.v1.prices.create(fields)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        api.v1.prices.create(fields)
    second = api.v1.prices.create(fields | {"transfer_lookup_key": True})
    assert [price.id for price in api.v1.prices.list({"lookup_keys": ["yoga", "other"]}).data] == [second.id]
    assert api.v1.prices.retrieve(first.id).lookup_key is None


def test_a_products_id_is_taken_once(api: stripe.StripeClient) -> None:
    api.v1.products.create({"id": "yoga", "name": "A"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        api.v1.prices.create(
            {"currency": "usd", "unit_amount": 1, "product_data": {"id": "yoga", "name": "B"}}
        )


def test_a_product_takes_only_a_price_of_its_own_as_default(api: stripe.StripeClient) -> None:
    product = api.v1.products.create({"name": "A"})
    other = api.v1.prices.create({"currency": "usd", "unit_amount": 1, "product_data": {"name": "B"}})
    own = api.v1.prices.create({"currency": "usd", "unit_amount": 1, "product": product.id})
    for name in (other.id, "price_none"):
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.products.update(product.id, {"default_price": name})
    assert api.v1.products.update(product.id, {"default_price": own.id}).default_price == own.id


def test_with_manual_confirmation_only_the_server_confirms(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = intent(api, confirmation_method="manual", payment_method="pm_card_authenticationRequired")
    browser = client(sandbox, "pk_test_sandbox_0000", max_network_retries=0)
    secret: Any = {"client_secret": payment.client_secret}
    with pytest.raises(stripe.InvalidRequestError, match="your publishable key"):
        browser.v1.payment_intents.confirm(payment.id, secret)
    assert api.v1.payment_intents.confirm(payment.id).status == "requires_action"
    assert sandbox.control.complete_challenge(payment.id)["status"] == "requires_confirmation"
    assert not api.v1.charges.list().data
    assert api.v1.payment_intents.confirm(payment.id).status == "succeeded"
