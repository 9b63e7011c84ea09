"""The page of saved cards."""

from playwright.sync_api import expect

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

    page.get_by_role("button", name="Set Mastercard ending in 4444 as default").click()
    expect(mastercard).to_contain_text("Default")
    expect(page.get_by_role("button", name="Set Visa ending in 4242 as default")).to_be_visible()

    page.get_by_role("button", name="Delete Visa ending in 4242").click()
    page.get_by_role("button", name="Keep it").click()
    expect(visa).to_be_visible()
    page.get_by_role("button", name="Delete Visa ending in 4242").click()
    page.get_by_role("button", name="Delete the card").click()
    expect(visa).to_have_count(0)
    expect(mastercard).to_be_visible()
