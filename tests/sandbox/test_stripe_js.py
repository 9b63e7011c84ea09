"""The sandbox's Stripe.js in a real browser, on a page of another origin with a strict Content-Security-Policy."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from stripe_sandbox import js
from tests.chromium import open_chromium
from tests.sandbox.counter import Counter, Till, open_counter

GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002500003155"
DEFERRED = {"mode": "payment", "amount": 3500, "currency": "usd"}
NEW_CARD = "{ payment_method: { card: made.card, billing_details: { name: 'Jo' } } }"
BY_CARD = f"stripe.confirmCardPayment(argument, {NEW_CARD})"
IF_REQUIRED = "confirmParams: { return_url: location.href }, redirect: 'if_required'"
BY_ELEMENTS = f"stripe.confirmPayment({{ elements, clientSecret: argument, {IF_REQUIRED} }})"
TYPES = Path(__file__).parents[2] / "frontend" / "node_modules" / "@stripe" / "stripe-js" / "dist"


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    with open_counter() as counter:
        yield counter


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def till(page: Page, counter: Counter) -> Iterator[Till]:
    """A page that may not throw nor break its policy."""
    broken: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:  # an answer of 402, say
            broken.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: broken.append(str(error)))
    till = Till(page, counter)
    yield till
    assert broken == []
    assert page.evaluate("shop.violations") == []


@pytest.fixture
def card_till(till: Till) -> Till:
    return till.begins().mounts("card", "#card")


@pytest.fixture
def payment_till(till: Till) -> Till:
    return till.begins(**DEFERRED).mounts("payment", "#payment")


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
    told = card_till.heard("change")[-1]
    assert told["error"] == {"type": "validation_error", "code": code, "message": message}
    assert told["complete"] is False
    expect(card_till.page.locator("#card")).to_have_class(re.compile("StripeElement--invalid"))


def test_fields_are_formatted_and_lead_to_each_other(card_till: Till) -> None:
    card_till.field("Card number").click()
    card_till.page.keyboard.type(f"{GOOD}234123")
    expect(card_till.field("Card number")).to_have_value("4242 4242 4242 4242")
    expect(card_till.field("Expiration")).to_have_value("02 / 34")
    expect(card_till.field("Security code")).to_have_value("123")
    told = card_till.heard("change")[-1]
    assert told == {
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
    told = {
        name: [payment_till.field(name).get_attribute(a) for a in ("autocomplete", "inputmode")]
        for name in ("Card number", "Expiration", "Security code")
    }
    assert told == {
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
    card_till.page.wait_for_function("shop.submitted")
    card_till.call("made.card.blur()")
    card_till.page.wait_for_function("shop.heard.blur")
    assert [len(card_till.heard(event)) for event in ("ready", "focus", "escape", "blur")] == [1, 1, 1, 1]


def test_elements_are_cleared_updated_and_destroyed(card_till: Till) -> None:
    card_till.types(GOOD).call("made.card.clear()")
    expect(card_till.field("Card number")).to_have_value("")
    card_till.call("made.card.update({ disabled: true, style: { base: { color: 'rgb(1, 2, 3)' } } })")
    expect(card_till.field("Card number")).to_be_disabled()
    expect(card_till.field("Card number")).to_have_css("color", "rgb(1, 2, 3)")
    found = "[elements.getElement('card') === made.card, elements.getElement({ __elementType: 'card' }) === made.card]"
    assert card_till.call(found) == [True, True]
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


# --- safety ----------------------------------------------------------------------------------------------------
def test_the_card_is_seen_by_the_sandbox_alone(till: Till) -> None:
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    till.page.on("request", note)
    till.begins().mounts("card", "#card").types(GOOD).call(BY_CARD, till.intent())
    assert "4242" not in till.page.content()
    assert till.page.evaluate("JSON.stringify(shop.heard).includes('4242')") is False
    with_card = [request for request in sent if "4242424242424242" in (request.post_data or "")]
    assert [request.url.startswith(till.counter.base) for request in with_card] == [True]
    assert with_card[0].frame != till.page.main_frame
    assert not [request for request in sent if "4242" in request.url]


def test_a_frame_answers_its_own_page_alone(card_till: Till, browser: Browser) -> None:
    """A page that pretends to be the shop, with the shop's frame in it, is not told anything."""
    told = card_till.page.locator("#card iframe").get_attribute("src")
    stranger = card_till.page.context.new_page()
    stranger.goto(f"{card_till.counter.base}/_sandbox/")
    stranger.evaluate(
        """src => { window.heard = []; addEventListener('message', (e) => heard.push(e.data));
          const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame);
          return new Promise((resolve) => frame.addEventListener('load', () => setTimeout(resolve, 300))); }""",
        told,
    )
    assert stranger.evaluate("heard") == []


# --- what it is measured by ------------------------------------------------------------------------------------
def test_load_stripe_finds_it_and_fetches_nothing(till: Till) -> None:
    source = TYPES / "pure.mjs"
    if not source.exists():
        pytest.skip("the storefront's packages are not installed")
    url = f"{till.counter.base}/pure.mjs"
    till.page.route(url, lambda route: route.fulfill(path=source, content_type="text/javascript"))
    warned: list[str] = []
    till.page.on("console", lambda message: warned.append(message.text))
    found = till.page.evaluate(
        """async (url) => {
          const { loadStripe } = await import(url);
          const stripe = await loadStripe('pk_test_1234567890');
          return [document.scripts.length, typeof stripe.confirmPayment];
        }""",
        url,
    )
    assert found == [1, "function"]
    assert warned == []


def test_everything_that_it_has_is_in_the_official_types(payment_till: Till) -> None:
    declared = TYPES / "stripe-js"
    if not declared.exists():
        pytest.skip("the storefront's packages are not installed")
    members = re.compile(r"^  (\w+)\(", re.M)

    def extra(file: str, has: list[str]) -> set[str]:
        return {name for name in has if name[0] != "_"} - set(members.findall((declared / file).read_text()))

    methods = "Object.getOwnPropertyNames(Object.getPrototypeOf({})).filter(name => name !== 'constructor')"
    assert extra("stripe.d.ts", payment_till.call("Object.keys(stripe)")) == set()
    # What frames and elements say to each other is not the page's.
    own = {"forget", "shared"}
    assert extra("elements-group.d.ts", payment_till.call(methods.format("elements"))) <= own
    element = payment_till.call(methods.replace("{}", "made.payment"))
    known = (declared / "elements" / "base.d.ts").read_text() + (
        declared / "elements" / "payment.d.ts"
    ).read_text()
    assert {name for name in element if name[0] != "_"} <= set(members.findall(known))


@pytest.mark.parametrize("script", js.SCRIPTS.values())
def test_modules_that_are_put_into_one_script_share_no_names(script: str) -> None:
    bundled = js.bundle(js.HERE / script)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", bundled, re.M)
    assert sorted(names) == sorted(set(names))
    assert "\nimport " not in bundled
    assert "\nexport " not in bundled
