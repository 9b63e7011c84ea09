"""What an order's page says of money that did not come back, and of credits that came back earlier."""

import re
import time

from playwright.sync_api import Page, Route, expect

from demo.plan import Plan
from tests.browser.shopper import PATIENCE_S, Shopper, press
from tests.browser.test_late_payments import ELSEWHERE, by_hand


def pay_on_the_hosted_page(stack: Plan, shopper: Shopper) -> str:
    """Pay on Stripe's page, open the order, and return the intent's id."""
    page = shopper.page
    press(shopper.chooses("Sound bath at dusk").page.get_by_role("button", name=ELSEWHERE))
    page.wait_for_url("**/c/pay/**")
    page_id = page.url.partition("/c/pay/")[2].partition("?")[0].strip("/")
    paid = by_hand(stack, "pay_checkout", id=page_id)
    shopper.orders().get_by_role("link").first.click()
    wait_for(page, "Paid and confirmed")
    return paid["payment_intent"]


def wait_for(page: Page, words: str | re.Pattern[str]) -> None:
    """Reload the page until it says something, for a while."""
    deadline = time.monotonic() + PATIENCE_S
    page.wait_for_load_state("networkidle")
    while not page.get_by_text(words, exact=True).count():
        assert time.monotonic() < deadline, f"The page never said: {words}"
        page.wait_for_timeout(300)
        page.reload(wait_until="networkidle")


def test_a_refund_that_the_bank_returned_is_told_as_that(stack: Plan, shopper: Shopper) -> None:
    page, intent_id = shopper.page, pay_on_the_hosted_page(stack, shopper)
    refund = by_hand(stack, "refund", id=intent_id)
    wait_for(page, "Returned")
    wait_for(page, "Credit notes")
    by_hand(stack, "fail_refund", id=refund["id"])
    wait_for(page, "Did not go through")
    expect(page.get_by_text("5 to 10 business days")).to_have_count(0)
    expect(page.get_by_text("What is still missing of it goes back to you another way")).to_be_visible()
    happened = page.get_by_role("listitem")
    expect(happened.get_by_text("Paid and confirmed", exact=True)).to_have_count(1)
    expect(happened.get_by_text("A refund did not go through", exact=True)).to_have_count(1)
    wait_for(
        page, re.compile(r": corrects an earlier credit note. \$35.00 to Visa •••• 4242 did not go through\.")
    )
    expect(page.get_by_role("region", name="Receipt")).not_to_contain_text("-$35.00 to")


def test_a_refund_that_was_canceled_is_not_said_to_be_on_its_way(stack: Plan, shopper: Shopper) -> None:
    page, intent_id = shopper.page, pay_on_the_hosted_page(stack, shopper)
    by_hand(stack, "refund", id=intent_id)
    wait_for(page, "Returned")

    def cancel(route: Route) -> None:
        answer = route.fetch()
        order = answer.json()
        order["refunds"][0]["status"] = "canceled"
        route.fulfill(response=answer, json=order)

    page.route(re.compile(r"/api/v1/orders/ord_\w+/$"), cancel)
    page.reload(wait_until="networkidle")
    expect(page.get_by_text("What is still missing of it goes back to you another way")).to_be_visible()
    expect(page.get_by_text("5 to 10 business days")).to_have_count(0)


def test_credits_of_an_order_that_ended_before_it_was_paid_are_shown_as_given_back(
    stack: Plan, shopper: Shopper
) -> None:
    page = shopper.page
    pay_on_the_hosted_page(stack, shopper)

    def never_fulfilled(route: Route) -> None:
        answer = route.fetch()
        credits = {"credits_applied": "10.00", "amount_due": "25.00", "refunded": "25.00"}
        order = answer.json() | {"status": "refunded", "completed_at": None} | credits
        route.fulfill(response=answer, json=order)

    page.route(re.compile(r"/api/v1/orders/ord_\w+/$"), never_fulfilled)
    page.reload(wait_until="networkidle")
    expect(page.get_by_text("From credits, given back")).to_be_visible()
