"""Paying and saving a card, with and without a challenge."""

import pytest
from playwright.sync_api import expect

from tests.sandbox.stripe_js.counter import Till
from tests.sandbox.stripe_js.scripts import ASKS, BY_CARD, BY_ELEMENTS, DECLINED, DEFERRED, GOOD, IF_REQUIRED


# --- paying ----------------------------------------------------------------------------------------------------
def test_a_card_element_pays(card_till: Till) -> None:
    paid = card_till.types(GOOD).call(BY_CARD, card_till.intent())["paymentIntent"]
    assert (paid["object"], paid["status"], paid["amount"]) == ("payment_intent", "succeeded", 3500)
    method = card_till.api.v1.payment_methods.retrieve(paid["payment_method"])
    assert method.billing_details.name == "Jo"


def test_a_payment_element_pays_before_there_is_an_intent(payment_till: Till) -> None:
    payment_till.types(GOOD)
    assert payment_till.call("elements.submit()") == {"selectedPaymentMethod": "card"}
    paid = payment_till.call(BY_ELEMENTS, payment_till.intent())["paymentIntent"]
    assert paid["status"] == "succeeded"


def test_a_payment_element_pays_an_intent_that_is_there(till: Till) -> None:
    till.begins(clientSecret=till.intent()).mounts("payment", "#payment", layout="accordion")
    paid = till.types(GOOD).call(f"stripe.confirmPayment({{ elements, {IF_REQUIRED} }})")["paymentIntent"]
    assert paid["status"] == "succeeded"


def test_three_fields_pay_as_one_card(till: Till) -> None:
    till.begins()
    for kind, where in {"cardNumber": "#card", "cardExpiry": "#expiry", "cardCvc": "#cvc"}.items():
        till.mounts(kind, where)
    script = "stripe.confirmCardPayment(argument, { payment_method: { card: made.cardNumber } })"
    error = till.call(script, till.intent())["error"]
    assert error["code"] == "incomplete_number"
    till.field("Card number").fill("378282246310005")
    till.field("Expiration").fill("1134")
    assert till.call(script, till.intent())["error"]["code"] == "incomplete_cvc"
    till.field("Security code").fill("1234")
    paid = till.call(script, till.intent())["paymentIntent"]
    card = till.api.v1.payment_methods.retrieve(paid["payment_method"]).card
    assert card and (card.brand, card.last4, card.exp_month, card.exp_year) == ("amex", "0005", 11, 2034)


def test_a_declined_card_comes_back_as_an_error(card_till: Till) -> None:
    error = card_till.types(DECLINED).call(BY_CARD, card_till.intent())["error"]
    assert (error["type"], error["code"], error["decline_code"]) == (
        "card_error",
        "card_declined",
        "generic_decline",
    )
    assert error["message"] == "Your card was declined."
    assert error["payment_intent"]["status"] == "requires_payment_method"


def test_a_saved_card_pays_without_an_element(till: Till) -> None:
    script = "stripe.confirmCardPayment(argument, { payment_method: 'pm_card_visa' })"
    paid = till.begins().call(script, till.intent())["paymentIntent"]
    assert paid["status"] == "succeeded"


def test_a_bank_debit_takes_days(payment_till: Till) -> None:
    frame = payment_till.page.frame_locator("#payment iframe")
    frame.get_by_role("tab", name="US bank account").click()
    frame.get_by_role("radio", name="fails later").check()
    assert payment_till.heard("change")[-1]["value"] == {"type": "us_bank_account"}
    assert payment_till.call("elements.submit()") == {"selectedPaymentMethod": "us_bank_account"}
    waiting = payment_till.call(BY_ELEMENTS, payment_till.intent())["paymentIntent"]
    assert waiting["status"] == "processing"
    method = payment_till.api.v1.payment_methods.retrieve(waiting["payment_method"])
    assert method.us_bank_account and method.us_bank_account.last4 == "2227"


def test_a_list_of_allowed_types_hides_the_others(till: Till) -> None:
    till.begins(**DEFERRED, allowedPaymentMethodTypes=["card"]).mounts("payment", "#payment")
    frame = till.page.frame_locator("#payment iframe")
    assert frame.get_by_role("textbox", name="Card number").count() == 1
    assert frame.get_by_text("US bank account").count() == 0


def test_without_if_required_the_page_is_left_for_the_return_url(payment_till: Till) -> None:
    payment_till.types(GOOD).call("elements.submit()")
    back = f"{payment_till.counter.url}?order=7"
    secret = payment_till.intent()
    script = f"stripe.confirmPayment({{ elements, clientSecret: argument, confirmParams: {{ return_url: '{back}' }} }})"
    with payment_till.page.expect_navigation():
        payment_till.starts(script, secret)
    assert payment_till.page.url == (
        f"{back}&payment_intent={secret.split('_secret_')[0]}"
        f"&payment_intent_client_secret={secret}&redirect_status=succeeded"
    )


def test_what_the_page_promised_must_be_what_the_server_asks_for(payment_till: Till) -> None:
    payment_till.types(GOOD).call("elements.submit()")
    error = payment_till.call(BY_ELEMENTS, payment_till.intent(setup_future_usage="off_session"))["error"]
    assert error["type"] == "invalid_request_error"
    assert "The provided setup_future_usage (null) does not match the expected" in error["message"]
    payment_till.call("elements.update({ setupFutureUsage: 'off_session' })")
    payment_till.call("elements.submit()")
    paid = payment_till.call(BY_ELEMENTS, payment_till.intent(setup_future_usage="off_session"))
    assert paid["paymentIntent"]["status"] == "succeeded"


# --- 3-D Secure ------------------------------------------------------------------------------------------------
def test_a_challenge_is_completed_in_a_dialog(payment_till: Till) -> None:
    payment_till.types(ASKS).call("elements.submit()")
    payment_till.starts(BY_ELEMENTS, payment_till.intent())
    payment_till.bank().get_by_role("button", name="Complete").click()
    assert payment_till.ended()["paymentIntent"]["status"] == "succeeded"
    expect(payment_till.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("manner", ["Fail", "Cancel", "Escape"])
def test_a_challenge_that_is_not_passed_fails_the_payment(card_till: Till, manner: str) -> None:
    card_till.types(ASKS).starts(BY_CARD, card_till.intent())
    expect(card_till.bank().get_by_role("button", name="Complete")).to_be_visible()
    if manner == "Fail":
        card_till.bank().get_by_role("button", name="Fail").click()
    elif manner == "Cancel":
        card_till.page.get_by_role("button", name="Cancel").click()
    else:
        card_till.page.keyboard.press("Escape")
    error = card_till.ended()["error"]
    assert (error["type"], error["code"]) == (
        "invalid_request_error",
        "payment_intent_authentication_failure",
    )
    assert error["payment_intent"]["status"] == "requires_payment_method"
    expect(card_till.page.get_by_role("dialog")).to_have_count(0)


def test_the_bank_may_decline_after_the_challenge(card_till: Till) -> None:
    card_till.types("4000008400001629").starts(BY_CARD, card_till.intent())
    card_till.bank().get_by_role("button", name="Complete").click()
    error = card_till.ended()["error"]
    assert (error["code"], error["payment_intent"]["object"]) == ("card_declined", "payment_intent")


def test_the_challenge_can_be_left_for_later(card_till: Till) -> None:
    secret = card_till.intent()
    script = BY_CARD.removesuffix(")") + ", { handleActions: false })"
    waiting = card_till.types(ASKS).call(script, secret)["paymentIntent"]
    assert (waiting["status"], waiting["next_action"]["type"]) == ("requires_action", "use_stripe_sdk")
    card_till.starts("stripe.handleNextAction({ clientSecret: argument })", secret)
    card_till.bank().get_by_role("button", name="Complete").click()
    assert card_till.ended()["paymentIntent"]["status"] == "succeeded"
    again = card_till.call("stripe.retrievePaymentIntent(argument)", secret)["paymentIntent"]
    assert again["status"] == "succeeded"


# --- saving ----------------------------------------------------------------------------------------------------
def test_a_card_is_saved_with_a_card_element(card_till: Till) -> None:
    secret = card_till.setup()
    card_till.types(ASKS).starts(
        "stripe.confirmCardSetup(argument, { payment_method: { card: made.card } })", secret
    )
    card_till.bank().get_by_role("button", name="Complete").click()
    assert card_till.ended()["setupIntent"]["status"] == "succeeded"
    assert (
        card_till.call("stripe.retrieveSetupIntent(argument)", secret)["setupIntent"]["status"] == "succeeded"
    )


def test_a_card_is_saved_with_a_payment_element(till: Till) -> None:
    till.begins(mode="setup", currency="usd").mounts("payment", "#payment").types(GOOD).call(
        "elements.submit()"
    )
    expect(till.page.frame_locator("iframe").get_by_text("future payments").first).to_be_visible()
    saved = till.call(
        f"stripe.confirmSetup({{ elements, clientSecret: argument, {IF_REQUIRED} }})", till.setup()
    )
    assert saved["setupIntent"]["status"] == "succeeded"


def test_payment_methods_and_tokens_are_made_of_what_was_typed(card_till: Till) -> None:
    card_till.types("5555555555554444")
    details = "billing_details: { email: 'jo@example.com' }"
    script = f"stripe.createPaymentMethod({{ type: 'card', card: made.card, {details} }})"
    method = card_till.call(script)["paymentMethod"]
    assert (method["card"]["brand"], method["billing_details"]["email"]) == ("mastercard", "jo@example.com")
    assert (
        card_till.call("stripe.createPaymentMethod({ elements })")["paymentMethod"]["card"]["last4"] == "4444"
    )
    token = card_till.call("stripe.createToken(made.card, { name: 'Jo', address_zip: '94107' })")["token"]
    assert (token["object"], token["card"]["name"], token["card"]["last4"]) == ("token", "Jo", "4444")
