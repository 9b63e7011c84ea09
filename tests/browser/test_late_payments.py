"""A payment that a bank works on for days: its buyer sees until when the place is kept, and what came of it."""

import re

import httpx
from playwright.sync_api import expect

from demo.plan import Plan
from tests.browser.shopper import Shopper, press

ELSEWHERE = re.compile("Stripe.s own page")


def by_hand(stack: Plan, verb: str, **body: str) -> dict[str, str]:
    """Act at Stripe as the buyer, the bank or the dashboard."""
    answer = httpx.post(f"{stack.sandbox_url}/_sandbox/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_bank_debit_keeps_the_place_until_a_date_that_the_pages_say(stack: Plan, shopper: Shopper) -> None:
    page = shopper.page
    press(shopper.chooses("Sound bath at dusk").page.get_by_role("button", name=ELSEWHERE))
    page.wait_for_url("**/c/pay/**")
    page_id = page.url.partition("/c/pay/")[2].partition("?")[0].strip("/")
    paid = by_hand(stack, "pay_checkout", id=page_id, method="us_bank_account")
    shopper.orders().get_by_role("link").first.click()
    expect(page.get_by_text(re.compile("Your place is kept until .*20[0-9][0-9]"))).to_be_visible()
    expect(page.get_by_text("Your bank is working on this payment")).to_be_visible()
    order_id = page.url.partition("id=")[2]
    page.goto(f"/checkout/return/?order={order_id}")
    expect(page.get_by_role("heading", name="Your bank is working on it")).to_be_visible()
    expect(page.get_by_text(re.compile("Your place is kept until"))).to_be_visible()
    by_hand(stack, "fail_settlement", id=paid["payment_intent"])
    ended = page.get_by_role("heading", name="This order was canceled")
    while not ended.count():  # nobody waits days in front of a page, so it does not ask by itself
        page.wait_for_timeout(300)
        page.reload(wait_until="networkidle")
    expect(ended).to_be_visible()
    expect(page.get_by_text("Nothing is owed for it")).to_be_visible()
