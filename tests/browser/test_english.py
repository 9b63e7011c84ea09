"""One language: English texts with English formats, whatever the browser speaks, and each time with its zone's name."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.plan import Plan
from tests.browser.shopper import Shopper

FOREIGN = re.compile("Uhr|Montag|Mo\\.|janv|févr|lundi|€\\s*\\d+,|\\d+,\\d\\d\\s*(€|\\$)")


@pytest.fixture
def abroad(browser: Browser, stack: Plan, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        base_url=stack.web_url,
        viewport={"width": 360, "height": 740},
        locale=request.param,
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("abroad", ["de-DE", "fr-FR"], indirect=True)
def test_a_browser_of_another_language_sees_english_formats(abroad: Page) -> None:
    abroad.goto("/?type=workshop")
    expect(abroad.get_by_text(re.compile(r"^US\$35\.00$"))).to_be_visible()
    abroad.get_by_role("link", name=re.compile("Sound bath at dusk")).click()
    date = abroad.get_by_role("radio", disabled=False).first
    date.check()
    expect(abroad.get_by_text(re.compile(r"\d\d:\d\d – \d\d:\d\d Berlin time")).first).to_be_visible()
    assert not FOREIGN.search(abroad.inner_text("body"))
    assert abroad.locator("html").get_attribute("lang") == "en"


@pytest.mark.exhaustive
def test_an_english_browser_keeps_its_own_variety(page: Page) -> None:
    page.goto("/?type=workshop")
    expect(page.get_by_text("$35.00", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("Sound bath at dusk")).click()
    page.get_by_role("radio", disabled=False).first.check()
    expect(page.get_by_text(re.compile(r"\d\s[AP]M Berlin time")).first).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "amount"), [("12,50", "12.50"), ("12.50", "12.50"), ("75", "75.00"), (" 80,5 ", "80.50")]
)
def test_an_amount_may_be_typed_with_a_comma(shopper: Shopper, typed: str, amount: str) -> None:
    page = shopper.page
    page.goto("/credits/")
    page.get_by_label("Another amount").fill(typed)
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/checkout/**")
    expect(shopper.pay_button(amount)).to_be_visible()


@pytest.mark.parametrize("typed", ["1,000", "1.000,50", "twelve", "12,5,0", "-5", "1e3"])
def test_an_amount_that_may_mean_two_things_is_asked_for_again(shopper: Shopper, typed: str) -> None:
    page = shopper.page
    page.goto("/credits/")
    page.get_by_label("Another amount").fill(typed)
    page.get_by_role("button", name="Continue to payment").click()
    shopper.is_told("Write an amount such as 75 or 75.50.")


def test_a_currency_is_offered_where_there_is_a_price_in_it_and_paid_in(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/?type=workshop")
    page.get_by_role("link", name=re.compile("Sound bath at dusk")).click()
    currency = page.get_by_label("Currency")
    expect(currency.get_by_role("option")).to_have_text(["USD", "EUR"])
    currency.select_option("EUR")
    page.get_by_role("radio", disabled=False).first.check()
    page.get_by_role("link", name="Continue to payment").click()
    button = page.get_by_role("button", name=re.compile("^Pay €"))
    shopper.types_card()
    amount = button.inner_text()
    button.click()
    shopper.is_thanked()
    expect(shopper.orders().first).to_contain_text(amount.removeprefix("Pay "))
    page.goto("/?type=workshop")
    expect(page.get_by_role("link", name=re.compile("Sound bath at dusk"))).to_contain_text("€")


@pytest.mark.exhaustive
def test_a_currency_without_a_price_is_offered_nowhere(page: Page) -> None:
    page.goto("/?type=workshop")
    page.evaluate("localStorage.setItem('estuary.currency', 'jpy')")
    page.reload()
    expect(page.get_by_text("$35.00", exact=True)).to_be_visible()
    page.goto("/checkout/?credits=25&currency=jpy")
    expect(page.get_by_role("region", name="What you buy")).to_contain_text("$25.00")
