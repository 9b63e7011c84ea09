"""From the front page to a confirmed booking on a phone, with few clicks, and with none."""

import re
import secrets

from playwright.sync_api import Page, expect

from tests.browser.shopper import CVC, EXPIRY, GOOD, NUMBER, PASSWORD, Shopper, press

CLICKS_MAX = 5


def _new_address() -> str:
    return f"{secrets.token_hex(6)}@buyer.example"


def test_a_newcomer_books_with_five_clicks_beyond_typing(page: Page) -> None:
    shopper, clicks = Shopper(page), 0

    def click(name: str, role: str = "button") -> None:
        nonlocal clicks
        clicks += 1
        press(page.get_by_role(role, name=re.compile(name)).first)  # type: ignore[arg-type]

    page.goto("/")
    click("Sound bath at dusk", "link")
    clicks += 1
    page.get_by_role("radio", disabled=False).first.check()
    click("Continue to payment", "link")
    shopper.gives_credentials(_new_address())
    click("Create account")
    shopper.types_card()
    click("^Pay \\$35.00$")
    shopper.is_thanked()
    assert clicks <= CLICKS_MAX
    expect(shopper.bookings()).to_have_count(1)


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
    shopper.tabs_to(page.get_by_label("E-mail"))
    keys.type(_new_address())
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    for name, text in ((NUMBER, GOOD), (EXPIRY, "12 / 34"), (CVC, "123")):
        shopper.tabs_to(shopper.field(name))
        keys.type(text)
    shopper.tabs_to(shopper.pay_button("35.00"))
    keys.press("Enter")
    shopper.is_thanked()
