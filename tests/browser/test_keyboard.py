"""From the front page to a confirmed booking without a mouse, on a phone's width."""

import re
import secrets

from playwright.sync_api import Page

from tests.browser.shopper import CVC, EXPIRY, GOOD, NUMBER, PASSWORD, Shopper


def test_a_newcomer_books_by_keyboard_alone(page: Page) -> None:
    shopper, keys = Shopper(page), page.keyboard
    page.goto("/")
    shopper.tabs_to(page.get_by_role("link", name="Workshops", exact=True))
    keys.press("Enter")
    page.wait_for_url("/?type=workshop")
    shopper.tabs_to(page.get_by_role("link", name=re.compile("Sound bath at dusk")))
    keys.press("Enter")
    shopper.tabs_to(page.get_by_role("radio", disabled=False).first)
    keys.press("Space")
    shopper.tabs_to(page.get_by_role("link", name="Continue to payment"))
    keys.press("Enter")
    shopper.tabs_to(page.get_by_role("link", name="Create an account"))
    keys.press("Enter")
    shopper.tabs_to(page.get_by_label("E-mail"))
    keys.type(f"{secrets.token_hex(6)}@buyer.example")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/checkout/**")
    for name, text in ((NUMBER, GOOD), (EXPIRY, "12 / 34"), (CVC, "123")):
        shopper.tabs_to(shopper.field(name))
        keys.type(text)
    shopper.tabs_to(shopper.pay_button("35.00"))
    keys.press("Enter")
    shopper.is_thanked()
