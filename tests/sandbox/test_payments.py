"""Payments: what each card does, and what is left behind."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.shop import AUTOMATIC, intent, paid, session, types


def test_a_card_pays_and_leaves_a_charge_with_a_fee(api: stripe.StripeClient) -> None:
    payment = paid(api, metadata={"order_id": "1"})
    details = api.v1.payment_intents.retrieve(payment.id, {"expand": ["latest_charge.balance_transaction"]})
    charge = details.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (details.status, details.amount_received, charge.paid, charge.captured) == (
        "succeeded",
        2000,
        True,
        True,
    )
    assert charge.balance_transaction.net == 2000 - 58 - 30
    assert charge.metadata.to_dict() == {"order_id": "1"}


def test_a_payment_tells_its_story_in_stripes_order(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    types(sandbox)
    paid(api, customer=customer, setup_future_usage="off_session")
    assert types(sandbox) == [
        "payment_intent.created",
        "payment_method.attached",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000000000000101", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4000056655665564", "card_declined", "test_mode_live_card"),
    ],
)
def test_a_declined_card_says_why_and_the_intent_may_be_tried_again(
    sandbox: Sandbox, api: stripe.StripeClient, number: str, code: str, decline_code: str
) -> None:
    payment = intent(api)
    seen = sandbox.control.confirm(payment.id, card=number)
    assert seen["status"] == "requires_payment_method"
    assert (seen["last_payment_error"]["code"], seen["last_payment_error"]["decline_code"]) == (
        code,
        decline_code,
    )
    assert api.v1.charges.retrieve(seen["latest_charge"]).status == "failed"
    assert sandbox.control.confirm(payment.id)["status"] == "succeeded"
    assert len(api.v1.charges.list({"payment_intent": payment.id}).data) == 2


def test_a_decline_on_the_server_is_a_402_that_carries_the_intent(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        paid(api, "pm_card_visa_chargeDeclinedInsufficientFunds")
    error = caught.value.error
    assert error is not None and error.payment_intent is not None
    assert (caught.value.http_status, error.decline_code) == (402, "insufficient_funds")
    assert api.v1.payment_intents.retrieve(error.payment_intent.id).status == "requires_payment_method"
    assert error.charge == error.payment_intent.latest_charge


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 2001}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_mistyped_card_is_a_card_error(
    api: stripe.StripeClient, card: dict[str, object], code: str
) -> None:
    typed = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"} | card
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_methods.create({"type": "card", "card": typed})  # type: ignore[arg-type]
    assert caught.value.code == code


def test_3d_secure_waits_for_the_buyer_who_may_pass_or_fail(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api, "pm_card_authenticationRequired")
    assert (
        payment.status == "requires_action"
        and payment.next_action
        and payment.next_action.type == "use_stripe_sdk"
    )
    assert payment.latest_charge is None
    failed = sandbox.control.fail_challenge(payment.id)
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert sandbox.control.confirm(payment.id, card="4000002760003184")["status"] == "requires_action"
    assert sandbox.control.complete_challenge(payment.id)["status"] == "succeeded"


def test_a_return_url_sends_the_buyer_to_a_page(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = paid(api, "pm_card_authenticationRequired", return_url="https://shop.example/back")
    assert payment.next_action and payment.next_action.redirect_to_url
    url = str(payment.next_action.redirect_to_url.url).removeprefix(sandbox.settings.public_url)
    assert sandbox.request("GET", url).status == 200
    answer = sandbox.request("POST", url, body=b"outcome=complete")
    assert answer.status == 303
    assert answer.headers["Location"].startswith(f"https://shop.example/back?payment_intent={payment.id}")


def test_the_bank_may_decline_after_the_challenge(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = paid(api, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    declined = sandbox.control.complete_challenge(payment.id)
    assert declined["last_payment_error"]["decline_code"] == "insufficient_funds"


def test_a_card_that_was_set_up_pays_while_the_buyer_is_away(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    payment = intent(api, customer=customer, setup_future_usage="off_session")
    sandbox.control.confirm(payment.id, card="4000002500003155")
    method = sandbox.control.complete_challenge(payment.id)["payment_method"]
    assert paid(api, method, customer=customer, off_session=True).status == "succeeded"
    assert paid(api, method, customer=customer).status == "requires_action"


def test_an_absent_buyer_can_not_authenticate(api: stripe.StripeClient, customer: str) -> None:
    api.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    method = api.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer}).id
    with pytest.raises(stripe.CardError) as caught:
        paid(api, method, customer=customer, off_session=True)
    assert caught.value.code == "authentication_required"


def test_a_bank_payment_is_processing_until_it_settles_or_fails(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    first, second = (paid(api, "pm_usBankAccount_success") for _ in range(2))
    assert first.status == "processing"
    types(sandbox)
    assert sandbox.control.settle(first.id)["status"] == "succeeded"
    assert types(sandbox) == ["charge.succeeded", "payment_intent.succeeded", "charge.updated"]
    assert sandbox.control.fail_settlement(second.id)["status"] == "requires_payment_method"
    assert types(sandbox) == ["charge.failed", "payment_intent.payment_failed"]


def test_held_money_is_taken_or_given_back(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    taken, left = (paid(api, capture_method="manual") for _ in range(2))
    assert (taken.status, taken.amount_capturable) == ("requires_capture", 2000)
    captured = api.v1.payment_intents.capture(taken.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_received) == ("succeeded", 1500)
    types(sandbox)
    assert api.v1.payment_intents.cancel(left.id).status == "canceled"
    assert types(sandbox) == ["refund.created", "charge.refunded", "payment_intent.canceled"]


def test_a_paid_intent_can_neither_be_canceled_nor_confirmed_nor_repriced(api: stripe.StripeClient) -> None:
    payment = paid(api)
    attempts: list[Callable[[], object]] = [
        lambda: api.v1.payment_intents.cancel(payment.id),
        lambda: api.v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}),
        lambda: api.v1.payment_intents.update(payment.id, {"amount": 100}),
    ]
    for attempt in attempts:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            attempt()
        assert caught.value.code == "payment_intent_unexpected_state"
        assert caught.value.error and caught.value.error.payment_intent
        assert caught.value.error.payment_intent.status == "succeeded"


def test_confirming_without_a_card_creates_nothing(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        intent(api, confirm=True)
    assert api.v1.payment_intents.list().data == []


def test_redirects_need_somewhere_to_return_to(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        paid(api, automatic_payment_methods={"enabled": True})


def test_another_customers_card_a_used_one_and_a_detached_one_are_refused(
    api: stripe.StripeClient, customer: str
) -> None:
    other = api.v1.customers.create({}).id
    foreign_card = api.v1.payment_methods.attach("pm_card_visa", {"customer": other}).id
    for params in ({"customer": customer}, {}):
        with pytest.raises(stripe.InvalidRequestError, match=r"belongs? to the Customer"):
            paid(api, foreign_card, **params)
    api.v1.payment_methods.detach(foreign_card)
    used = paid(api).payment_method
    assert isinstance(used, str)
    for method in (foreign_card, used):
        with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
            paid(api, method)


def test_an_old_version_takes_method_types_and_endive_refuses_them(api: stripe.StripeClient) -> None:
    fields = {"amount": 500, "currency": "usd", "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.create(fields)  # type: ignore[arg-type]
    assert caught.value.code == "payment_method_types_no_longer_supported"
    old = api.v1.payment_intents.create(fields, {"stripe_version": "2026-05-27.dahlia"})  # type: ignore[arg-type]
    assert old.payment_method_types == ["card"]
    assert old.allowed_payment_method_types is None
    assert intent(api).payment_method_types == ["card", "us_bank_account"]


def test_an_allowed_list_rules_out_what_the_dashboard_has_on(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    cards: dict[str, Any] = {"allowed_payment_method_types": ["card"]}
    payment = intent(api, **cards)
    saving = api.v1.setup_intents.create({"automatic_payment_methods": AUTOMATIC, **cards})  # type: ignore[arg-type]
    page = session(api, **cards, adaptive_pricing={"enabled": False})
    assert [one.payment_method_types for one in (payment, saving, page)] == [["card"]] * 3
    assert payment.allowed_payment_method_types == ["card"]
    assert page.adaptive_pricing and page.adaptive_pricing.enabled is False
    for confirm, intent_id in ((api.v1.payment_intents, payment.id), (api.v1.setup_intents, saving.id)):
        with pytest.raises(stripe.InvalidRequestError, match="is not allowed for this") as caught:
            confirm.confirm(intent_id, {"payment_method": "pm_usBankAccount_success"})
        assert caught.value.code == "payment_intent_incompatible_payment_method"
    changed = api.v1.payment_intents.update(payment.id, {"allowed_payment_method_types": ["us_bank_account"]})
    assert changed.payment_method_types == ["us_bank_account"]
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        intent(api, allowed_payment_method_types=["sepa_debit"])
    # The hands act as of a payment that was begun before its list.
    debit = sandbox.control.confirm(intent(api, **cards).id, method="us_bank_account")
    assert debit["status"] == "processing"


def test_amounts_are_checked_in_their_currency(api: stripe.StripeClient) -> None:
    for amount, currency, code in [(49, "usd", "amount_too_small"), (49, "jpy", "amount_too_small"),
                                   (100_000_000, "usd", "amount_too_large"),
                                   (1_000_000_000_000, "idr", "amount_too_large"),
                                   (1_000_000_000, "inr", "amount_too_large"),
                                   (0, "usd", "parameter_invalid_integer"),
                                   (-5, "usd", "parameter_invalid_integer")]:  # fmt: skip
        with pytest.raises(stripe.InvalidRequestError) as caught:
            intent(api, amount, currency=currency)
        assert caught.value.code == code
    assert intent(api, 50, currency="jpy").amount == 50
    assert intent(api, 999_999_999_999, currency="idr").amount == 999_999_999_999
    with pytest.raises(stripe.InvalidRequestError, match="Invalid currency"):
        intent(api, currency="xxx")


def test_the_browser_pays_with_the_client_secret_and_sees_no_more_than_it_should(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = intent(api, automatic_payment_methods=AUTOMATIC, metadata={"secret": "of the shop"})
    headers = {"Authorization": "Bearer pk_test_1234567890"}
    path = f"/v1/payment_intents/{payment.id}"
    assert sandbox.request("GET", f"{path}?client_secret=wrong", headers).status == 404
    assert sandbox.request("GET", path, headers).status == 404
    assert sandbox.request("GET", "/v1/customers", headers).status == 401
    body = f"client_secret={payment.client_secret}&payment_method_data[type]=card"
    body += "&payment_method_data[card][cvc]=123"
    body += "&payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12"
    body += "&payment_method_data[card][exp_year]=34&payment_method_data[guid]=abc&key=pk_test_1234567890"
    answer = sandbox.request("POST", f"{path}/confirm", headers, body.encode())
    assert answer.json()["status"] == "succeeded"
    assert "metadata" not in answer.json()
    assert "4242424242424242" not in str(sandbox.requests) and "'cvc'" not in str(sandbox.requests)
