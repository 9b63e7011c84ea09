"""Payments of which the browser does not learn what became of them: Stripe is asked, and nothing is claimed before."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.shopper import ASKS, DECLINED, Shopper, press
from tests.browser.test_sent_again import Line

CONFIRM = re.compile(r"/v1/payment_intents/[^/]+/confirm$")
CONFIRM_SETUP = re.compile(r"/v1/setup_intents/[^/]+/confirm$")
CREATE = "**/api/v1/payments/create/"
CLAIM = re.compile("nothing was charged", re.I)
NOT_YET = "No payment has arrived yet"
ELSEWHERE = re.compile("Stripe.s own page")
UNEXPECTED = {
    "type": "invalid_request_error",
    "code": "payment_intent_unexpected_state",
    "message": "This PaymentIntent's status is succeeded.",
    "payment_intent": {"id": "pi_1", "object": "payment_intent", "status": "succeeded"},
}
# What the browser hears of a confirmation that was carried out.
HEARD: dict[str, dict[str, object] | None] = {
    "answer lost": None,
    "api_error": {"status": 500, "json": {"error": {"type": "api_error", "message": "An error occurred."}}},
    "rate limit": {"status": 429, "json": {"error": {"type": "rate_limit_error", "message": "Too many."}}},
    "idempotency": {"status": 409, "json": {"error": {"type": "idempotency_error", "code": "lock_timeout"}}},
    "key expired": {
        "status": 401,
        "json": {"error": {"type": "invalid_request_error", "message": "Expired."}},
    },
    "proxy's page": {"status": 503, "body": "<html>Service Unavailable</html>"},
    "empty": {"status": 200, "body": ""},
    "already succeeded": {"status": 400, "json": {"error": UNEXPECTED}},
    "card error of a paid intent": {
        "status": 402,
        "json": {"error": UNEXPECTED | {"type": "card_error", "code": "card_declined"}},
    },
    "error without a type": {"status": 400, "json": {"error": {"message": "TypeError: x is undefined"}}},
}


def _hears(page: Page, kind: str, *, carried_out: bool = True, of: re.Pattern[str] = CONFIRM) -> None:
    """Spoil the first confirmation."""
    spoiled: list[str] = []

    def pass_on(route: Route) -> None:
        if spoiled:
            return route.continue_()
        spoiled.append(route.request.url)
        if carried_out:
            route.fetch()
        heard = HEARD[kind]
        if heard is None:
            return route.abort()
        return route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, **heard)  # type: ignore[arg-type]

    page.route(of, pass_on)


def _claims_nothing(page: Page) -> None:
    text = page.inner_text("body")
    assert not CLAIM.search(text), text
    assert not re.search(r"\bTypeError|undefined|An error occurred", text), text


@pytest.mark.exhaustive(one_in=10)
@pytest.mark.parametrize("kind", HEARD)
def test_a_payment_that_went_through_unheard_ends_in_thanks(shopper: Shopper, kind: str) -> None:
    page = shopper.page
    _hears(page, kind)
    page.goto("/checkout/?credits=25")
    shopper.types_card().pays("25.00")
    page.wait_for_url("**/checkout/return/**")
    _claims_nothing(page)
    shopper.is_thanked()
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("kind", ["answer lost", "api_error", "rate limit", "empty"])
def test_a_payment_that_never_arrived_is_not_claimed_and_can_be_gone_on_with(
    shopper: Shopper, kind: str
) -> None:
    page = shopper.page
    _hears(page, kind, carried_out=False)
    shopper.chooses("Sound bath at dusk").types_card().pays("35.00")
    expect(page.get_by_role("heading", name=NOT_YET)).to_be_visible()
    _claims_nothing(page)
    expect(page.get_by_role("timer")).to_contain_text("Kept for you until")
    page.get_by_role("link", name="Go on paying").click()
    shopper.types_card().pays("35.00").is_thanked()
    expect(shopper.bookings()).to_have_count(1)


@pytest.mark.exhaustive
def test_the_single_line_field_and_a_saved_card_ask_stripe_too(shopper: Shopper) -> None:
    page = shopper.page
    _hears(page, "answer lost")
    page.goto("/checkout/card/?credits=25")
    shopper.types_card().saves_card().pays("25.00").is_thanked()
    page.unroute(CONFIRM)
    _hears(page, "answer lost")
    shopper.chooses("Sound bath at dusk").pays("35.00").is_thanked()
    expect(shopper.orders()).to_have_count(2)


def test_a_network_that_goes_away_amid_a_payment_leaves_the_page_that_asks(shopper: Shopper) -> None:
    """Nothing more can be loaded then: no page, no part of one, no answer of ours."""
    page = shopper.page
    page.goto("/checkout/?credits=25")
    shopper.types_card()

    def vanish(route: Route) -> None:
        route.fetch()
        page.context.set_offline(True)
        route.abort()

    page.route(CONFIRM, vanish)
    shopper.pays("25.00")
    page.wait_for_url("**/checkout/return/**")
    expect(page.get_by_text("can’t be reached just now")).to_be_visible()
    _claims_nothing(page)
    page.unroute(CONFIRM)
    page.context.set_offline(False)
    shopper.is_thanked()


@pytest.mark.exhaustive
def test_what_was_typed_wrongly_is_said_and_nothing_else(shopper: Shopper) -> None:
    page = shopper.page
    shopper.chooses("Sound bath at dusk").types_card("4242 4242 4242 4241").pays("35.00")
    shopper.is_told("card number")
    _claims_nothing(page)
    shopper.types_card(DECLINED).pays("35.00").is_told("Nothing was charged")
    shopper.types_card().pays("35.00").is_thanked()


@pytest.mark.exhaustive
def test_a_page_that_is_loaded_again_amid_the_banks_question_asks_stripe(shopper: Shopper) -> None:
    page = shopper.page
    shopper.chooses("Sound bath at dusk").types_card(ASKS).pays("35.00")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=NOT_YET)).to_be_visible()
    _claims_nothing(page)
    page.get_by_role("link", name="Go on paying").click()
    shopper.types_card().pays("35.00").is_thanked()
    expect(shopper.bookings()).to_have_count(1)


@pytest.mark.exhaustive
def test_a_page_closed_after_its_order_was_placed_goes_on_with_the_same_key(shopper: Shopper) -> None:
    line = Line(shopper, "lost")
    shopper.page.goto("/checkout/?credits=25")
    shopper.types_card().pays("25.00").is_told("Check your connection")
    _claims_nothing(shopper.page)
    shopper.page.reload()
    shopper.types_card().pays("25.00").is_thanked()
    assert line.keys[0] == line.keys[1] != ""
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive
def test_who_paid_on_the_hosted_page_and_came_back_by_its_other_link_is_not_told_otherwise(
    shopper: Shopper,
) -> None:
    page = shopper.page
    page.goto("/checkout/?credits=25")
    press(page.get_by_role("button", name=ELSEWHERE))
    page.wait_for_url("**/c/pay/**")
    shopper.types_card().page.get_by_role("button", name=re.compile("^Pay")).click()
    shopper.is_thanked()
    page.goto("/checkout/?credits=25&canceled=1")
    page.get_by_role("link", name="See how your order stands").click()
    _claims_nothing(page)
    shopper.is_thanked()


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("kind", ["answer lost", "api_error", "empty"])
def test_a_card_that_was_saved_unheard_is_listed(shopper: Shopper, kind: str) -> None:
    page = shopper.page
    _hears(page, kind, of=CONFIRM_SETUP)
    page.goto("/cards/")
    page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_role("listitem").filter(has_text="4242")).to_have_count(1)
    expect(page.get_by_role("alert").filter(has_text="lost")).to_have_count(0)


@pytest.mark.exhaustive
def test_a_card_of_which_nobody_heard_is_not_said_to_be_refused(shopper: Shopper) -> None:
    page = shopper.page
    _hears(page, "answer lost", carried_out=False, of=CONFIRM_SETUP)
    page.goto("/cards/")
    page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    page.get_by_role("button", name="Save this card").click()
    shopper.is_told("answer was lost")
    press(page.get_by_role("button", name="Save this card"))
    expect(page.get_by_role("listitem").filter(has_text="4242")).to_have_count(1)


@pytest.mark.exhaustive
def test_the_banks_window_ends_with_the_hold_and_the_server_says_what_came_of_it(shopper: Shopper) -> None:
    page = shopper.page

    def hold_is_short(route: Route) -> None:
        answer = route.fetch()
        ends = datetime.now(UTC) + timedelta(seconds=20)
        route.fulfill(response=answer, json=answer.json() | {"expires_at": ends.isoformat()})

    page.route(CREATE, hold_is_short)
    shopper.chooses("Sound bath at dusk").types_card(ASKS).pays("35.00")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("timer")).to_contain_text(re.compile(r"Kept for you until .+ \(0:"))
    expect(page.get_by_role("status").filter(has_text="less than a minute")).to_be_attached()
    page.wait_for_url("**/checkout/return/**")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name=NOT_YET)).to_be_visible()
    _claims_nothing(page)


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize(
    ("reason", "refunded", "refunds", "words"),
    [
        ("abandoned", "0.00", [], "Its payment was ended at Stripe"),
        ("expired", "35.00", [], "$35.00 went back to you"),
    ],
)
def test_after_the_hold_it_is_said_plainly_what_came_of_it(
    shopper: Shopper, reason: str, refunded: str, refunds: list[object], words: str
) -> None:
    page = shopper.page
    ended = {"status": "canceled", "cancel_reason": reason, "refunded": refunded, "refunds": refunds}

    def end(route: Route) -> None:
        answer = route.fetch()
        order = answer.json()
        canceled = {"before": "failed", "after": "canceled", "at": order["expires_at"]}
        timeline = [*order["timeline"], canceled]
        route.fulfill(response=answer, json=order | ended | {"timeline": timeline})

    shopper.chooses("Sound bath at dusk").types_card(DECLINED).pays("35.00").is_told("declined")
    order = shopper.orders().first.get_by_role("link").get_attribute("href")
    page.route(re.compile("/api/v1/orders/ord_[^/]+/$"), end)
    page.goto(f"/checkout/return/?order={(order or '').split('id=')[1]}")
    expect(page.get_by_text("The time to pay was over")).to_be_visible()
    expect(page.get_by_text(words)).to_be_visible()
    _claims_nothing(page)


def test_an_order_that_another_date_has_replaced_is_not_said_to_have_run_out(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card(DECLINED).pays("35.00").is_told("declined").page
    page.get_by_role("link", name="Change").click()
    page.get_by_role("radio", disabled=False).nth(1).check()
    page.get_by_role("link", name="Continue to payment").click()
    shopper.types_card(DECLINED).pays("35.00").is_told("declined")
    shopper.orders().filter(has_text="Canceled").get_by_role("link").first.click()
    expect(page.get_by_text("Its payment was ended at Stripe")).to_be_visible()
    expect(page.get_by_text("The time to pay was over")).to_have_count(0)


@pytest.mark.exhaustive
def test_cancelling_an_unpaid_order_claims_nothing_of_its_payment(shopper: Shopper) -> None:
    page = shopper.page
    shopper.chooses("Sound bath at dusk").types_card(DECLINED).pays("35.00").is_told("declined")
    shopper.orders().first.get_by_role("link").click()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("dialog")).to_contain_text("canceled at Stripe first")
    assert not CLAIM.search(page.get_by_role("dialog").inner_text())


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("carried_out", [True, False])
def test_cancelling_a_booking_unheard_shows_how_it_stands(shopper: Shopper, carried_out: bool) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page

    def lose(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        if carried_out:
            route.fetch()
        return route.fulfill(status=502, body="<html>Bad Gateway</html>")

    page.route(re.compile("/api/v1/bookings/[0-9]+/cancel/$"), lose)
    shopper.bookings().first.get_by_role("button", name="Cancel").click()
    press(page.get_by_role("button", name="Cancel the booking"))
    if carried_out:
        expect(page.get_by_text("Nothing is planned yet")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
    else:
        shopper.is_told("may have been done all the same")
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_role("article").filter(has_text="Confirmed")).to_have_count(1)
