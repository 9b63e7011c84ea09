"""Paying on the hosted page, and coming back from it."""

import re

import pytest
from playwright.sync_api import Browser, expect

from demo.plan import Plan
from tests.browser.conftest import PHONE
from tests.browser.shopper import PATIENCE_S, THANKS, Shopper, press
from tests.chromium import launch

ELSEWHERE = re.compile("Stripe.s own page")


def test_a_payment_on_the_hosted_page_leads_back_to_a_booking(shopper: Shopper) -> None:
    press(shopper.chooses("Sound bath at dusk").page.get_by_role("button", name=ELSEWHERE))
    shopper.page.wait_for_url("**/c/pay/**")
    shopper.types_card().page.get_by_role("button", name=re.compile("^Pay")).click()
    shopper.is_thanked()
    expect(shopper.bookings()).to_have_count(1)


def test_leaving_the_hosted_page_charges_nothing_and_the_order_can_still_be_paid(shopper: Shopper) -> None:
    press(shopper.chooses("Sound bath at dusk").page.get_by_role("button", name=ELSEWHERE))
    shopper.page.wait_for_url("**/c/pay/**")
    shopper.page.get_by_role("link", name=re.compile("back|return|cancel", re.I)).click()
    expect(shopper.page.get_by_text("You came back without paying")).to_be_visible()
    shopper.types_card().pays("35.00").is_thanked()
    expect(shopper.bookings()).to_have_count(1)


@pytest.mark.exhaustive
def test_the_browsers_way_back_from_the_hosted_page_leads_to_a_checkout_that_works(
    browser: Browser, stack: Plan
) -> None:
    """A browser shows the page as it was left, with its buttons locked."""
    other = launch(browser.browser_type, keeps_pages=True)
    context = other.new_context(base_url=stack.web_url, viewport=PHONE, locale="en-US")
    context.set_default_timeout(PATIENCE_S * 1000)
    shopper = Shopper(context.new_page()).has_account().buys_credits("25.00")
    shopper.chooses("Sound bath at dusk")  # with the card that is saved by now
    shopper.page.evaluate("window.addEventListener('pageshow', e => { window.kept = e.persisted })")
    press(shopper.page.get_by_role("button", name=ELSEWHERE))
    shopper.page.wait_for_url("**/c/pay/**")
    shopper.page.go_back(wait_until="commit")  # a page that was kept is not loaded again
    shopper.page.wait_for_url("**/checkout/**", wait_until="commit")
    assert shopper.page.evaluate("window.kept") is True
    shopper.pays("35.00")
    expect(shopper.page.get_by_role("heading", name=THANKS)).to_be_visible()
    other.close()
