"""What is on the screen stays there when the server can't be asked again, or only a part of it can be loaded."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.shopper import CVC, DECLINED, GOOD, Shopper

SOUND_BATH, PRICE = "Sound bath at dusk", "35.00"


def _fails(page: Page, path: str) -> list[str]:
    """Let the server answer 503 to a path; returns what it has refused so far."""
    refused: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.method != "GET":
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=503, body="down")

    page.route(path, refuse)
    return refused


def _until_given_up(page: Page, refused: list[str]) -> None:
    """Wait until a query was tried three times, and for what the page makes of it."""
    while len(refused) < 3:
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)


def test_a_decline_and_the_typed_card_stay_when_the_saved_cards_cant_be_asked_for(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card(DECLINED).page
    refused = _fails(page, "**/api/v1/payments/methods/")
    shopper.pays(PRICE).is_told("declined")
    _until_given_up(page, refused)
    shopper.is_told("declined")
    expect(shopper.field(CVC)).to_have_value("123")
    shopper.types_card(GOOD).pays(PRICE).is_thanked()


@pytest.mark.exhaustive
def test_what_was_typed_stays_when_a_profile_cant_be_asked_for_again(shopper: Shopper) -> None:
    page = shopper.page
    page.clock.install()
    page.goto("/profile/")
    address = page.get_by_label("Address")
    address.fill("Kungsgatan 2\n411 19 Göteborg")
    refused = _fails(page, "**/api/v1/account/")
    page.clock.fast_forward(20_000)
    page.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
    _until_given_up(page, refused)
    expect(address).to_have_value("Kungsgatan 2\n411 19 Göteborg")


@pytest.mark.exhaustive
def test_dates_that_cant_be_loaded_are_not_taken_for_a_time_that_was_not_chosen(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).page
    _fails(page, "**/api/v1/services/*/sessions/**")
    page.reload()
    expect(page.get_by_text("This could not be loaded")).to_be_visible()
    page.unroute("**/api/v1/services/*/sessions/**")
    page.get_by_role("button", name="Try again").click()
    shopper.types_card(GOOD).pays(PRICE).is_thanked()


@pytest.mark.exhaustive
def test_a_later_page_of_dates_that_fails_says_so_and_is_tried_again_on_a_click(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).page
    later: list[str] = []

    def split(route: Route) -> None:
        if "cursor=" in route.request.url:
            later.append(route.request.url)
            if len(later) <= 3:
                return route.fulfill(status=503, body="down")
            return route.fulfill(json=whole)
        return route.fulfill(json={**whole, "results": [], "next": route.request.url + "?cursor=x"})

    sessions = "**/api/v1/services/*/sessions/**"
    with page.expect_response(sessions) as answer:
        page.reload()
    whole = json.loads(answer.value.text())
    page.route(sessions, split)
    page.reload()
    expect(page.get_by_text("This could not be loaded")).to_be_visible()
    page.wait_for_timeout(3_000)
    assert len(later) == 3
    page.get_by_role("button", name="Try again").click()
    expect(shopper.pay_button(PRICE)).to_be_visible()


def test_a_phone_whose_clock_is_ahead_buys_the_next_free_time(shopper: Shopper) -> None:
    page = shopper.page
    page.clock.install(time=datetime.now(UTC) + timedelta(days=60))
    shopper.chooses("Private yoga session", kind="session")
    expect(page.get_by_role("button", name="Pay $")).to_be_visible()
