"""Pay now and Take the same again: what an order was sent with is bought, its times and its words included."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import Shop, open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.shopper import DECLINED, GOOD, Shopper

PACKAGE, PRICE = "The reset week", "230.00"
WISH = "A seat by the window"


@pytest.fixture
def others(stack: Plan) -> Shop:
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


def _sends_more(page: Page, others: Shop) -> None:
    """Let the next order be one of another frontend: with the times of two parts, and a wish."""
    items = [
        {"service_id": others.service(slug)["id"], "start_datetime": others.free_start(slug)}
        for slug in ("private-yoga", "somatic-bodywork")
    ]

    def add(route: Route) -> None:
        body: dict[str, Any] = json.loads(route.request.post_data or "{}")
        more = {"scheduling_data": {"items": items}, "service_data": {"my_wish": WISH}}
        route.continue_(post_data=json.dumps(body | more))

    page.route("**/api/v1/payments/create/", add, times=1)


@pytest.fixture
def declined(shopper: Shopper, others: Shop) -> Shopper:
    page = shopper.chooses(PACKAGE, kind="package").types_card(DECLINED).page
    _sends_more(page, others)
    shopper.pays(PRICE).is_told("declined")
    shopper.orders().get_by_role("link").first.click()
    return shopper


def _pays_for_all_of_it(shopper: Shopper) -> None:
    page = shopper.page
    summary = page.get_by_role("region", name="What you buy")
    expect(summary).to_contain_text(WISH)
    expect(summary.get_by_role("listitem")).to_have_count(2)
    expect(summary).to_contain_text("You choose the other times once it is paid")
    shopper.types_card(GOOD).pays(PRICE).is_thanked()
    expect(page.get_by_text("One part still needs a time")).to_be_visible()
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_text(WISH)).to_be_visible()


def test_pay_now_buys_the_times_and_words_that_stand_beside_it(declined: Shopper) -> None:
    declined.page.get_by_role("link", name="Pay now").click()
    _pays_for_all_of_it(declined)


@pytest.mark.exhaustive
def test_the_same_again_has_the_same_times_and_words(declined: Shopper) -> None:
    page = declined.page
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    page.get_by_role("button", name="Take the same again").click()
    page.wait_for_url("**/checkout/?service=**")
    _pays_for_all_of_it(declined)


@pytest.mark.exhaustive
def test_an_order_of_another_account_is_not_taken_again(declined: Shopper, page: Page) -> None:
    link = declined.page.get_by_role("link", name="Pay now").get_attribute("href") or ""
    other = Shopper(page.context.new_page()).has_account()
    other.page.goto(link)
    expect(other.page.get_by_text("There is no such order of yours")).to_be_visible()
