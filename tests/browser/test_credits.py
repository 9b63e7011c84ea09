"""Credits in the browser: chosen once they stay chosen, and nothing is charged that was not shown."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.shopper import DECLINED, GOOD, Shopper
from tests.browser.test_holds import ends_soon

SOUND_BATH, BY_CARD = "Sound bath at dusk", "15.00"


@pytest.fixture
def declined(shopper: Shopper) -> Shopper:
    """Somebody with $20 of credits, who spends them on $35, and whose card for the rest is declined."""
    shopper.buys_credits("20.00").chooses(SOUND_BATH)
    _use_credits(shopper.page).check()
    _types_new_card(shopper, DECLINED)
    return shopper.pays(BY_CARD).is_told("declined")


def _use_credits(page: Page) -> Locator:
    return page.get_by_role("switch", name=re.compile("^Use my credits"))


def _types_new_card(shopper: Shopper, number: str) -> Shopper:
    shopper.page.get_by_role("radio", name="Use a new card").check()
    return shopper.types_card(number)


def _cancels_the_newest_order(shopper: Shopper) -> None:
    page = shopper.page
    shopper.orders().get_by_role("link").first.click()
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("button", name="Take the same again")).to_be_visible()


def _asks_for_the_same_split(shopper: Shopper) -> None:
    expect(_use_credits(shopper.page)).to_be_checked()
    expect(shopper.page.get_by_text("You can spend $20.00")).to_be_visible()
    expect(shopper.pay_button(BY_CARD)).to_be_visible()


def test_credits_stay_chosen_after_a_decline_and_the_next_card_pays_the_rest_alone(declined: Shopper) -> None:
    page = declined.page
    page.wait_for_timeout(2_000)  # the balance is asked for again
    _asks_for_the_same_split(declined)
    _types_new_card(declined, GOOD).pays(BY_CARD).is_thanked()
    expect(page.get_by_text("You have paid $15.00, and $20.00 with credits")).to_be_visible()
    page.goto("/credits/")
    expect(page.get_by_text("$0.00").first).to_be_visible()


@pytest.mark.exhaustive
def test_credits_stay_chosen_when_an_unpaid_order_is_paid_later(declined: Shopper) -> None:
    page = declined.page
    page.reload()
    _asks_for_the_same_split(declined)
    declined.orders().get_by_role("link").first.click()
    page.get_by_role("link", name="Pay now").click()
    _asks_for_the_same_split(declined)
    _types_new_card(declined, GOOD).pays(BY_CARD).is_thanked()
    expect(declined.orders()).to_have_count(2)


@pytest.mark.exhaustive
def test_credits_stay_chosen_for_another_date_of_the_same(declined: Shopper) -> None:
    page = declined.page
    page.get_by_role("link", name="Change").click()
    page.get_by_role("radio", disabled=False).nth(1).check()
    page.get_by_role("link", name="Continue to payment").click()
    _asks_for_the_same_split(declined)
    _types_new_card(declined, GOOD).pays(BY_CARD).is_thanked()


@pytest.mark.exhaustive
def test_credits_stay_chosen_when_the_same_is_taken_again(declined: Shopper) -> None:
    page = declined.page
    _cancels_the_newest_order(declined)
    page.get_by_role("button", name="Take the same again").click()
    page.wait_for_url("**/checkout/?service=**")
    _asks_for_the_same_split(declined)
    _types_new_card(declined, GOOD).pays(BY_CARD).is_thanked()


@pytest.mark.exhaustive
def test_credits_stay_chosen_on_the_way_back_from_stripes_page(shopper: Shopper) -> None:
    page = shopper.buys_credits("20.00").chooses(SOUND_BATH).page
    _use_credits(page).check()
    page.get_by_role("button", name=re.compile("Stripe.s own page")).click()
    page.wait_for_url("**/c/pay/**")
    page.go_back()
    _asks_for_the_same_split(shopper)
    _types_new_card(shopper, GOOD).pays(BY_CARD).is_thanked()


@pytest.mark.exhaustive
def test_credits_that_have_grown_never_buy_without_a_click_on_pay(shopper: Shopper) -> None:
    """A hold that has ended is taken again; meanwhile the credits cover all of it."""
    page = shopper.buys_credits("20.00").chooses(SOUND_BATH).page
    _use_credits(page).check()
    _types_new_card(shopper, DECLINED)
    ends_soon(page, in_s=8)
    shopper.pays(BY_CARD).is_told("declined")
    again = page.get_by_role("button", name="Keep it for me again")
    expect(again).to_be_visible()
    other = Shopper(page.context.new_page())
    _cancels_the_newest_order(other)
    other.page.goto("/checkout/?credits=40")
    other.pays("40.00").is_thanked()
    page.bring_to_front()
    again.click()
    shopper.is_told("The amount has changed")
    expect(page.get_by_role("button", name="Pay $35.00 with credits")).to_be_visible()
    expect(other.orders().filter(has_text=SOUND_BATH).filter(has_text="Paid")).to_have_count(0)


@pytest.mark.parametrize("button", ["Pay", pytest.param("Stripe", marks=pytest.mark.exhaustive)])
def test_credits_that_have_grown_while_a_card_is_typed_buy_nothing(shopper: Shopper, button: str) -> None:
    """The button says $15.00 by card; meanwhile the credits cover all of it."""
    page = shopper.buys_credits("20.00").chooses(SOUND_BATH).page
    _use_credits(page).check()
    _types_new_card(shopper, GOOD)
    other = Shopper(page.context.new_page())
    other.page.goto("/checkout/?credits=40")
    other.pays("40.00").is_thanked()
    if button == "Pay":
        shopper.pays(BY_CARD)
    else:
        page.get_by_role("button", name=re.compile("Stripe.s own page")).click()
    shopper.is_told("The amount has changed")
    expect(page.get_by_role("button", name="Pay $35.00 with credits")).to_be_visible()
    expect(other.orders().filter(has_text=SOUND_BATH)).to_have_count(0)
    page.get_by_role("button", name="Pay $35.00 with credits").click()
    shopper.is_thanked()


def _shop_in(page: Page, currency: str, minimum: str, balances: list[dict[str, str]]) -> None:
    """Let the page believe that the shop sells in another currency."""

    def config(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(json=answer.json() | {"currency": currency, "minimum_charge": minimum})

    def credits(route: Route) -> None:
        own = {"balance": "0.00", "frozen": "0.00", "spendable": "0.00", "currency": currency}
        answer = route.fetch()
        route.fulfill(json=answer.json() | own | {"balances": balances})

    page.route("**/api/v1/payments/config/", config)
    page.route("**/api/v1/credits/", credits)


def test_credits_are_bought_in_a_currency_with_large_figures(shopper: Shopper) -> None:
    page = shopper.page
    _shop_in(page, "idr", "10000.00", [])
    page.goto("/credits/")
    expect(page.get_by_role("button", name="IDR 250,000.00")).to_be_visible()
    expect(page.get_by_label("Another amount")).to_have_value("500000.00")
    page.get_by_label("Another amount").fill("100000000")
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/checkout/?credits=100000000.00")
    expect(page.get_by_role("region", name="What you buy")).to_contain_text("IDR 100,000,000.00")


@pytest.mark.exhaustive
def test_credits_of_another_currency_are_on_their_page(shopper: Shopper) -> None:
    page = shopper.page
    euros = {"balance": "25.00", "frozen": "0.00", "spendable": "25.00", "currency": "eur"}
    _shop_in(page, "usd", "0.50", [euros])
    page.goto("/credits/")
    expect(page.get_by_text("€25.00 for prices in EUR")).to_be_visible()
