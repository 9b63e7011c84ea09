"""What the fields say, how they look, and what a shop does wrong."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.sandbox.stripe_js.counter import Till
from tests.sandbox.stripe_js.scripts import (
    BY_CARD,
    DEFERRED,
    GOOD,
    IF_REQUIRED,
)
from tests.servers import wait_until


# --- what the fields say ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "expiry", "code", "message"),
    [
        ("4242424242424241", "", "invalid_number", "Your card number is invalid."),
        ("4242", "12 / 34", "incomplete_number", "Your card number is incomplete."),
        (GOOD, "1220", "invalid_expiry_year_past", "Your card's expiration year is in the past."),
        (GOOD, "13", "invalid_expiry_month", "Your card's expiration date is invalid."),
        (GOOD, "1", "incomplete_expiry", "Your card's expiration date is incomplete."),
    ],
)
def test_what_is_wrong_is_said_while_typing(
    card_till: Till, number: str, expiry: str, code: str, message: str
) -> None:
    card_till.field("Card number").fill(number)
    card_till.field("Expiration").fill(expiry)
    card_till.field("Security code").focus()
    card_till.page.wait_for_timeout(100)
    event = card_till.heard("change")[-1]
    assert event["error"] == {"type": "validation_error", "code": code, "message": message}
    assert event["complete"] is False
    expect(card_till.page.locator("#card")).to_have_class(re.compile("StripeElement--invalid"))


def test_fields_are_formatted_and_lead_to_each_other(card_till: Till) -> None:
    card_till.field("Card number").click()
    card_till.page.keyboard.type(f"{GOOD}234123")
    expect(card_till.field("Card number")).to_have_value("4242 4242 4242 4242")
    expect(card_till.field("Expiration")).to_have_value("02 / 34")
    expect(card_till.field("Security code")).to_have_value("123")
    event = card_till.heard("change")[-1]
    assert event == {
        "elementType": "card", "empty": False, "complete": True, "error": None, "brand": "visa",
        "value": {"postalCode": ""},
    }  # fmt: skip
    expect(card_till.page.locator("#card")).to_have_class(
        "box StripeElement StripeElement--complete StripeElement--focus"
    )


def test_correcting_a_number_leaves_the_caret_where_it_was(card_till: Till) -> None:
    number = card_till.field("Card number")
    number.fill("42424242")
    number.evaluate("input => input.setSelectionRange(2, 2)")
    number.press("9")
    expect(number).to_have_value("4294 2424 2")
    assert number.evaluate("input => input.selectionStart") == 3


def test_the_fields_of_a_payment_element_say_what_is_wrong(payment_till: Till) -> None:
    error = payment_till.call("elements.submit()")["error"]
    assert (error["type"], error["code"]) == ("validation_error", "incomplete_number")
    number = payment_till.field("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_accessible_description("Your card number is incomplete.")
    payment_till.types(GOOD)
    expect(
        payment_till.page.frame_locator("iframe").get_by_role("alert").filter(has_text="card")
    ).to_have_count(0)


def test_phones_show_digits_and_browsers_fill_cards_in(payment_till: Till) -> None:
    attributes = {
        name: [payment_till.field(name).get_attribute(a) for a in ("autocomplete", "inputmode")]
        for name in ("Card number", "Expiration", "Security code")
    }
    assert attributes == {
        "Card number": ["cc-number", "numeric"],
        "Expiration": ["cc-exp", "numeric"],
        "Security code": ["cc-csc", "numeric"],
    }


def test_elements_tell_of_focus_escape_and_enter(card_till: Till) -> None:
    card_till.page.evaluate(
        "document.querySelector('#form').addEventListener('submit', e => { e.preventDefault(); shop.submitted = true })"
    )
    card_till.call("made.card.focus()")
    expect(card_till.field("Card number")).to_be_focused()
    card_till.page.keyboard.press("Escape")
    card_till.page.keyboard.press("Tab")
    card_till.page.keyboard.press("Enter")
    wait_until(lambda: card_till.page.evaluate("shop.submitted"), 10)
    card_till.call("made.card.blur()")
    wait_until(lambda: card_till.page.evaluate("shop.heard.blur"), 10)
    assert [len(card_till.heard(event)) for event in ("ready", "focus", "escape", "blur")] == [1, 1, 1, 1]


def test_elements_are_cleared_updated_and_destroyed(card_till: Till) -> None:
    card_till.types(GOOD).call("made.card.clear()")
    expect(card_till.field("Card number")).to_have_value("")
    card_till.call("made.card.update({ disabled: true, style: { base: { color: 'rgb(1, 2, 3)' } } })")
    expect(card_till.field("Card number")).to_be_disabled()
    expect(card_till.field("Card number")).to_have_css("color", "rgb(1, 2, 3)")
    script = "[elements.getElement('card') === made.card, elements.getElement({ __elementType: 'card' }) === made.card]"
    assert card_till.call(script) == [True, True]
    assert "Can only create one" in card_till.call("elements.create('card')")["thrown"]
    card_till.call("made.card.destroy()")
    assert card_till.call("elements.getElement('card')") is None
    assert card_till.page.locator("#card").inner_html() == ""
    assert card_till.call("elements.create('card').mount('#card') && null") is None


def test_the_look_is_the_shops(till: Till) -> None:
    appearance: dict[str, Any] = {
        "theme": "night",
        "variables": {"colorBackground": "rgb(1, 2, 3)", "borderRadius": "9px"},
        "rules": {".Input": {"letterSpacing": "2px"}, ".Input} body": {"color": "red"}},
    }
    till.begins(**DEFERRED, appearance=appearance).mounts("payment", "#payment")
    number = till.field("Card number")
    expect(number).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(number).to_have_css("border-radius", "9px")
    expect(number).to_have_css("letter-spacing", "2px")
    till.call("elements.update({ appearance: { variables: { colorBackground: 'rgb(4, 5, 6)' } } })")
    expect(number).to_have_css("background-color", "rgb(4, 5, 6)")


def test_an_element_that_can_not_load_says_so(till: Till) -> None:
    till.begins(clientSecret="pi_nobody_secret_nothing").mounts("payment", "#payment")
    assert till.heard("loaderror")[0]["error"]["code"] == "resource_missing"


# --- how it is used wrongly ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("Stripe('sk_test_1234567890')", "You should not use your secret key with Stripe.js"),
        ("stripe.elements().create('payment')", "client secret"),
        ("stripe.elements({ mode: 'payment', currency: 'usd' })", "amount"),
        ("stripe.confirmCardPayment('pi_1')", "client secret of the form"),
        ("elements.create('card').mount('#nowhere')", "applies to no DOM elements"),
        (
            f"stripe.confirmPayment({{ elements, clientSecret: 'pi_1_secret_2', {IF_REQUIRED} }})",
            "elements.submit()",
        ),
        ("stripe.confirmPayment({ elements, clientSecret: 'pi_1_secret_2' })", "return_url"),
        ("stripe.createToken(elements.create('card'))", "still mounted"),
    ],
)
def test_mistakes_of_the_shop_are_named(till: Till, script: str, complaint: str) -> None:
    thrown = till.begins(**DEFERRED).call(script)["thrown"]
    assert thrown.startswith("IntegrationError: ")
    assert complaint in thrown


def test_a_failed_connection_is_an_error_and_not_an_exception(card_till: Till) -> None:
    card_till.types(GOOD)
    card_till.page.route("**/v1/**", lambda route: route.abort("failed"))
    assert card_till.call(BY_CARD, card_till.intent())["error"]["type"] == "api_connection_error"
