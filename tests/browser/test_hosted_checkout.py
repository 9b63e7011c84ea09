"""Paying on the hosted page, and coming back from it."""

import re

from playwright.sync_api import expect

from tests.browser.shopper import Shopper, press

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
