"""The page of saved cards."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.shopper import MASTERCARD, Shopper


def _adds(shopper: Shopper, number: str, last4: str) -> None:
    shopper.page.goto("/cards/")
    shopper.page.get_by_role("button", name="Add a card").click()
    shopper.types_card(number)
    shopper.page.get_by_role("button", name="Save this card").click()
    expect(shopper.page.get_by_role("listitem").filter(has_text=last4)).to_be_visible()


def test_cards_are_added_made_the_default_and_deleted(shopper: Shopper) -> None:
    page = shopper.page
    _adds(shopper, "4242 4242 4242 4242", "4242")
    _adds(shopper, MASTERCARD, "4444")
    visa, mastercard = (page.get_by_role("listitem").filter(has_text=last4) for last4 in ("4242", "4444"))
    expect(visa).to_contain_text("Default")

    page.get_by_role("button", name="Set Mastercard ending in 4444 as default").press("Enter")
    expect(mastercard).to_contain_text("Default")
    expect(page.get_by_role("status").filter(has_text="4444 is your default now")).to_be_attached()
    expect(page.get_by_role("main")).to_be_focused()
    expect(page.get_by_role("button", name="Set Visa ending in 4242 as default")).to_be_visible()

    page.get_by_role("button", name="Delete Visa ending in 4242").click()
    page.get_by_role("button", name="Keep it").click()
    expect(visa).to_be_visible()
    page.get_by_role("button", name="Delete Visa ending in 4242").click()
    page.get_by_role("button", name="Delete the card").click()
    expect(visa).to_have_count(0)
    expect(mastercard).to_be_visible()


@pytest.mark.exhaustive
def test_a_card_whose_event_is_late_is_said_to_be_saved_and_appears_by_itself(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/cards/")
    page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    page.route("**/payments/methods/", lambda route: route.fulfill(json={"payment_methods": []}))
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_role("status").filter(has_text="Your card is saved")).to_be_visible()
    expect(page.get_by_role("button", name="Add a card")).to_be_focused()
    page.unroute("**/payments/methods/")
    expect(page.get_by_role("listitem").filter(has_text="4242")).to_be_visible()
    expect(page.get_by_text("Your card is saved")).to_have_count(0)


@pytest.mark.exhaustive
def test_a_late_card_that_replaces_its_twin_is_waited_for_until_it_is_there(shopper: Shopper) -> None:
    page = shopper.page
    _adds(shopper, "4242 4242 4242 4242", "4242")
    old: list[object] = []

    def as_before(route: Route) -> None:
        if not old:
            old.append(route.fetch().json())
        route.fulfill(json=old[0])

    page.route("**/payments/methods/", as_before)
    page.reload()
    page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_role("status").filter(has_text="Your card is saved")).to_be_visible()
    page.unroute("**/payments/methods/")
    expect(page.get_by_text("Your card is saved")).to_have_count(0)
    expect(page.get_by_role("listitem").filter(has_text="4242")).to_have_count(1)


@pytest.mark.exhaustive
def test_what_was_done_is_said_and_the_focus_stays_in_the_page(shopper: Shopper) -> None:
    _adds(shopper, MASTERCARD, "4444")
    page = shopper.page
    page.get_by_role("button", name="Delete Mastercard ending in 4444").press("Enter")
    page.get_by_role("button", name="Delete the card").press("Enter")
    expect(
        page.get_by_role("status").filter(has_text="Mastercard ending in 4444 is deleted")
    ).to_be_attached()
    expect(page.get_by_role("listitem").filter(has_text="4444")).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()
