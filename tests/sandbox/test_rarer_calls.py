"""Calls that few shops make: increments, confirmation tokens, attempts, credit, a charge's refunds, deletions."""

from typing import Any

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.shop import AUTOMATIC, intent, paid, types

INCREMENTAL: Any = {"card": {"request_incremental_authorization": "if_available"}}


def test_a_hold_is_raised_to_a_new_total(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    held = paid(api, capture_method="manual", payment_method_options=INCREMENTAL)
    types(sandbox)
    raised = api.v1.payment_intents.increment_authorization(
        held.id, {"amount": 2500, "description": "and a mat", "expand": ["latest_charge"]}
    )
    assert (raised.amount, raised.amount_capturable, raised.description) == (2500, 2500, "and a mat")
    assert types(sandbox) == ["charge.updated", "payment_intent.amount_capturable_updated"]
    charge: Any = raised.latest_charge
    card = charge.payment_method_details.card
    assert (charge.amount, card.amount_authorized) == (2500, 2500)
    assert card.incremental_authorization.status == "available"
    captured = api.v1.payment_intents.capture(held.id)
    assert captured.amount_received == 2500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.increment_authorization(held.id, {"amount": 3000})
    assert caught.value.code == "payment_intent_unexpected_state"


def test_a_hold_that_did_not_ask_for_it_or_asks_too_often_is_not_raised(api: stripe.StripeClient) -> None:
    plain = paid(api, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="request_incremental_authorization"):
        api.v1.payment_intents.increment_authorization(plain.id, {"amount": 2500})
    held = paid(api, capture_method="manual", payment_method_options=INCREMENTAL)
    for amount in (2000, 1500):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.payment_intents.increment_authorization(held.id, {"amount": amount})
        assert caught.value.param == "amount"
    for step in range(1, 11):
        api.v1.payment_intents.increment_authorization(held.id, {"amount": 2000 + step})
    with pytest.raises(stripe.InvalidRequestError, match="at most 10 times"):
        api.v1.payment_intents.increment_authorization(held.id, {"amount": 9000})


@pytest.fixture
def token(api: stripe.StripeClient) -> stripe.ConfirmationToken:
    address: Any = {"line1": "510 Townsend St", "country": "US"}
    return api.v1.test_helpers.confirmation_tokens.create(
        {
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example/return",
            "setup_future_usage": "off_session",
            "shipping": {"name": "Jenny", "address": address},
        }
    )


def test_a_confirmation_token_brings_what_the_buyer_entered(
    api: stripe.StripeClient, customer: str, token: stripe.ConfirmationToken
) -> None:
    assert token.payment_method_preview and token.payment_method_preview.card
    assert (token.payment_method_preview.card.last4, token.payment_intent) == ("4242", None)
    payment = api.v1.payment_intents.create({"amount": 2000, "currency": "usd", "customer": customer})
    confirmed = api.v1.payment_intents.confirm(payment.id, {"confirmation_token": token.id})
    assert (confirmed.status, confirmed.setup_future_usage) == ("succeeded", "off_session")
    assert confirmed.shipping and confirmed.shipping.name == "Jenny"
    assert len(api.v1.customers.payment_methods.list(customer).data) == 1
    assert api.v1.confirmation_tokens.retrieve(token.id).payment_intent == payment.id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        intent(api, confirm=True, confirmation_token=token.id)
    assert caught.value.code == "payment_intent_confirmation_token_invalid"


def test_a_confirmation_token_confirms_at_creation_and_a_setup(
    api: stripe.StripeClient, token: stripe.ConfirmationToken
) -> None:
    fields: Any = {"amount": 500, "currency": "usd", "confirmation_token": token.id}
    with pytest.raises(stripe.InvalidRequestError, match="`confirm` is true"):
        api.v1.payment_intents.create(fields)
    payment = api.v1.payment_intents.create(fields | {"confirm": True})
    assert payment.status == "succeeded"
    other = api.v1.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa"})
    setup: Any = {"automatic_payment_methods": AUTOMATIC, "confirm": True, "confirmation_token": other.id}
    saved = api.v1.setup_intents.create(setup)
    assert saved.status == "succeeded"
    assert api.v1.confirmation_tokens.retrieve(other.id).setup_intent == saved.id


def test_a_confirmation_token_lasts_twelve_hours(
    sandbox: Sandbox, api: stripe.StripeClient, token: stripe.ConfirmationToken
) -> None:
    payment = intent(api)
    sandbox.control.advance(12 * 3600)
    with pytest.raises(stripe.InvalidRequestError, match="has expired") as caught:
        api.v1.payment_intents.confirm(payment.id, {"confirmation_token": token.id})
    assert caught.value.code == "payment_intent_confirmation_token_invalid"
    with pytest.raises(stripe.InvalidRequestError) as missing:
        api.v1.confirmation_tokens.retrieve("ctoken_none")
    assert (missing.value.http_status, missing.value.param) == (404, "confirmation_token")
    with pytest.raises(stripe.InvalidRequestError, match="either"):
        api.v1.test_helpers.confirmation_tokens.create({})


def test_the_attempts_of_a_setup_are_listed(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    setup = api.v1.setup_intents.create({"automatic_payment_methods": AUTOMATIC})  # type: ignore[arg-type]
    with pytest.raises(stripe.CardError):
        api.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    api.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_authenticationRequired"})

    def attempts() -> list[str]:
        return [one.status for one in api.v1.setup_attempts.list({"setup_intent": setup.id}).data]

    assert attempts() == ["requires_action", "failed"]
    sandbox.control.complete_challenge(setup.id)
    assert attempts() == ["succeeded", "failed"]
    with pytest.raises(stripe.InvalidRequestError, match="setup_intent"):
        api.raw_request("get", "/v1/setup_attempts")


def test_a_customer_gets_credit(sandbox: Sandbox, api: stripe.StripeClient, customer: str) -> None:
    balances = api.v1.customers.balance_transactions
    types(sandbox)
    credit = balances.create(customer, {"amount": -500, "currency": "usd", "description": "sorry"})
    debt = balances.create(customer, {"amount": 200, "currency": "usd", "metadata": {"order_id": "1"}})
    assert (credit.ending_balance, debt.ending_balance, debt.type) == (-500, -300, "adjustment")
    assert types(sandbox) == ["customer.updated"] * 2
    owner = api.v1.customers.retrieve(customer, {"expand": ["invoice_credit_balance"]})
    assert (owner.balance, owner.currency) == (-300, "usd")
    assert owner.to_dict()["invoice_credit_balance"] == {"usd": -300}
    assert [one.id for one in balances.list(customer).data] == [debt.id, credit.id]
    assert balances.update(customer, debt.id, {"description": "fee"}).description == "fee"
    assert balances.retrieve(customer, debt.id).to_dict()["metadata"] == {"order_id": "1"}
    api.v1.customers.update(customer, {"balance": 0})
    newest = balances.list(customer, {"limit": 1}).data[0]
    assert (newest.amount, newest.ending_balance) == (300, 0)
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        balances.create(customer, {"amount": 1, "currency": "eur"})
    other = api.v1.customers.create().id
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        balances.retrieve(other, debt.id)


def test_a_card_is_saved_as_a_source_and_pays(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    sources = api.v1.customers.payment_sources
    types(sandbox)
    card: Any = sources.create(customer, {"source": "tok_mastercard"})
    assert (card.object, card.brand, card.cvc_check) == ("card", "MasterCard", "pass")
    assert types(sandbox) == ["customer.source.created", "customer.updated"]
    owner: Any = api.v1.customers.retrieve(customer, {"expand": ["sources", "default_source"]})
    assert (owner.default_source.id, owner.sources.data[0].id) == (card.id, card.id)
    assert [one.id for one in api.v1.customers.payment_methods.list(customer).data] == [card.id]
    assert paid(api, card.id, customer=customer).status == "succeeded"
    types(sandbox)
    sources.update(customer, card.id, {"name": "Anna", "exp_year": "2045"})
    changed: Any = sources.retrieve(customer, card.id)
    assert (changed.name, changed.exp_year, types(sandbox)) == ("Anna", 2045, ["customer.source.updated"])
    gone: Any = sources.delete(customer, card.id)
    assert gone.deleted and types(sandbox) == ["customer.source.deleted", "customer.updated"]
    assert api.v1.customers.retrieve(customer).default_source is None
    with pytest.raises(stripe.InvalidRequestError, match="No such source"):
        sources.retrieve(customer, card.id)
    with pytest.raises(stripe.CardError):
        sources.create(customer, {"source": "tok_chargeDeclined"})


def test_money_comes_by_bank_transfer(sandbox: Sandbox, api: stripe.StripeClient, customer: str) -> None:
    fund, cash = api.v1.test_helpers.customers.fund_cash_balance, api.v1.customers.cash_balance
    assert cash.retrieve(customer).available is None
    types(sandbox)
    fund(customer, {"amount": 1000, "currency": "usd"})
    second = fund(customer, {"amount": 500, "currency": "usd", "reference": "order 1"})
    assert (second.net_amount, second.ending_balance, second.type) == (500, 1500, "funded")
    assert types(sandbox) == [
        "customer_cash_balance_transaction.created", "cash_balance.funds_available",
    ] * 2  # fmt: skip
    changed = cash.update(customer, {"settings": {"reconciliation_mode": "manual"}})
    assert changed.to_dict()["available"] == {"usd": 1500}
    assert (changed.settings.reconciliation_mode, changed.settings.using_merchant_default) == (
        "manual",
        False,
    )
    transactions = api.v1.customers.cash_balance_transactions
    assert [one.net_amount for one in transactions.list(customer).data] == [500, 1000]
    assert transactions.retrieve(customer, second.id).id == second.id
    for amount, currency, param in ((0, "usd", "amount"), (100, "cad", "currency")):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            fund(customer, {"amount": amount, "currency": currency})
        assert caught.value.param == param


def test_a_charge_lists_its_own_refunds(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    mine, other_payment = paid(api), paid(api)
    for payment in (mine, other_payment):
        api.v1.refunds.create({"payment_intent": payment.id, "amount": 500})
    path = f"/v1/charges/{mine.latest_charge}/refunds"
    listed = api.raw_request("get", path)
    body: Any = api.deserialize(listed, api_mode="V1")
    assert (len(body.data), body.url, body.data[0].charge) == (1, path, mine.latest_charge)
    new_refund: Any = api.deserialize(api.raw_request("post", path, amount=300), api_mode="V1")
    assert (new_refund.object, new_refund.amount) == ("refund", 300)
    other = api.v1.refunds.list({"payment_intent": other_payment.id}).data[0]
    with pytest.raises(stripe.InvalidRequestError, match="No such refund"):
        api.raw_request("get", f"{path}/{other.id}")
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        api.raw_request("get", "/v1/charges/ch_none/refunds")


def test_a_price_changes_what_is_not_the_price(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    product = api.v1.products.create({"name": "Yoga"})
    price = api.v1.prices.create({"product": product.id, "unit_amount": 900, "currency": "usd"})
    types(sandbox)
    changed = api.v1.prices.update(
        price.id, {"active": False, "nickname": "old", "metadata": {"a": "b"}, "tax_behavior": "inclusive"}
    )
    assert (changed.active, changed.nickname, changed.metadata.to_dict()) == (False, "old", {"a": "b"})
    assert types(sandbox) == ["price.updated"]
    with pytest.raises(stripe.InvalidRequestError, match="tax behavior"):
        api.v1.prices.update(price.id, {"tax_behavior": "exclusive"})
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        api.v1.prices.update(price.id, {"unit_amount": 1})  # type: ignore[arg-type]


def test_a_product_without_prices_is_deleted(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sold = api.v1.products.create({"name": "Yoga"})
    api.v1.prices.create({"product": sold.id, "unit_amount": 900, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="has one or more user-created prices"):
        api.v1.products.delete(sold.id)
    product = api.v1.products.create({"name": "By mistake"})
    types(sandbox)
    gone = api.v1.products.delete(product.id)
    assert (gone.id, gone.deleted, types(sandbox)) == (product.id, True, ["product.deleted"])
    assert [one.id for one in api.v1.products.list().data] == [sold.id]
    with pytest.raises(stripe.InvalidRequestError, match="No such product"):
        api.v1.products.retrieve(product.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such product"):
        api.v1.prices.create({"product": product.id, "unit_amount": 900, "currency": "usd"})


def test_an_event_is_sent_again_to_one_endpoint(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    endpoint = api.v1.webhook_endpoints.create(
        {"url": "https://shop.example/other", "enabled_events": ["*"]}
    ).id
    api.v1.customers.create()
    event = api.v1.events.list().data[0]
    sandbox.take_deliveries()
    answer: Any = api.deserialize(
        api.raw_request("post", f"/v1/events/{event.id}/retry", webhook_endpoint=endpoint), api_mode="V1"
    )
    again = sandbox.take_deliveries()
    assert (answer.id, [one.url for one in again]) == (event.id, ["https://shop.example/other"])
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
        api.raw_request("post", f"/v1/events/{event.id}/retry", webhook_endpoint="we_none")
