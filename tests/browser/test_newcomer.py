"""From the front page to a confirmed booking on a phone: joining on the way, with few clicks, and with none."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from demo.plan import Plan
from tests.browser.shopper import CVC, EXPIRY, GOOD, NAME, NUMBER, Shopper, points_at

# Of the pointer, whether at a button or into a field.
CLICKS_OF_A_NEWCOMER, CLICKS_THE_NEXT_TIME = 8, 3


@pytest.fixture
def mails(stack: Plan) -> Path:
    return stack.logs / "worker.log"


class CountingPointer:
    """The pointer of somebody who types only where the page has put the cursor."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.clicks = 0

    def press(self, target: Locator) -> None:
        points_at(target)
        target.click()
        self.clicks += 1

    def presses(self, name: str, role: str = "button") -> None:
        self.press(self._page.get_by_role(role, name=re.compile(name)).first)  # type: ignore[arg-type]

    def types_into(self, target: Locator, text: str) -> None:
        self.press(target)
        self._page.keyboard.type(text)


def test_a_newcomer_joins_and_pays_with_eight_clicks_and_again_with_three(page: Page, mails: Path) -> None:
    shopper, pointer = Shopper(page), CountingPointer(page)
    page.goto("/")
    pointer.presses("Sound bath at dusk", "link")
    pointer.presses("Continue to payment", "link")
    pointer.types_into(page.get_by_label("Your name"), NAME)
    pointer.types_into(page.get_by_label("E-mail"), shopper.email)
    pointer.presses("Mail me a code")
    expect(page.get_by_label("Code from the mail")).to_be_focused()
    page.keyboard.type(shopper.reads_code(mails))
    pointer.types_into(shopper.field(NUMBER), GOOD.replace(" ", ""))
    page.keyboard.type("1234123")
    shopper.saves_card()
    pointer.clicks += 1
    pointer.presses("^Pay \\$35.00$")
    shopper.is_thanked()
    assert pointer.clicks <= CLICKS_OF_A_NEWCOMER
    expect(shopper.bookings()).to_have_count(1)

    again = CountingPointer(page)
    page.goto("/")
    again.presses("Cooking for your dosha", "link")
    again.presses("Continue to payment", "link")
    again.presses("^Pay \\$")
    shopper.is_thanked()
    assert again.clicks <= CLICKS_THE_NEXT_TIME


def test_who_has_joined_by_code_comes_back_by_code_and_keeps_the_name(page: Page, mails: Path) -> None:
    shopper = Shopper(page)
    page.goto("/sign-up/")
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_role("button", name="Mail me a code").click()
    first = shopper.reads_code(mails)
    page.get_by_label("Code from the mail").fill(first)
    page.wait_for_url("/")
    page.get_by_role("button", name=re.compile("Your account")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_role("button", name="Mail me a code").click()
    while (code := shopper.reads_code(mails)) == first:
        page.wait_for_timeout(100)
    page.get_by_label("Code from the mail").fill(f"{(int(code[0]) + 1) % 10}{code[1:]}")
    shopper.is_told("That is not the code")
    page.get_by_label("Code from the mail").fill(code)
    page.wait_for_url("/")
    page.goto("/profile/")
    expect(page.get_by_label("Your name")).to_have_value(NAME)


def test_a_newcomer_books_by_keyboard_alone(page: Page, mails: Path) -> None:
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
    shopper.tabs_to(page.get_by_label("Your name"))
    keys.type(NAME)
    keys.press("Tab")
    keys.type(shopper.email)
    keys.press("Enter")
    expect(page.get_by_label("Code from the mail")).to_be_focused()
    keys.type(shopper.reads_code(mails))
    for name, text in ((NUMBER, GOOD), (EXPIRY, "12 / 34"), (CVC, "123")):
        shopper.tabs_to(shopper.field(name))
        keys.type(text)
    shopper.tabs_to(shopper.pay_button("35.00"))
    keys.press("Enter")
    shopper.is_thanked()


def test_a_typed_address_stays_when_the_other_way_to_sign_in_is_picked(page: Page) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill("maya@estuary.example")
    page.get_by_role("button", name="Mail me a code instead").click()
    expect(page.get_by_role("button", name="Mail me a code", exact=True)).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("maya@estuary.example")
    expect(page.get_by_label("E-mail")).to_be_focused()


def test_who_switches_between_joining_and_signing_in_keeps_what_was_typed_and_the_focus(page: Page) -> None:
    Shopper(page).chooses("Sound bath at dusk")
    page.get_by_label("Your name").fill(NAME)
    page.get_by_label("E-mail").fill("maya@estuary.example")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in to go on")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("maya@estuary.example")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_label("Your name")).to_have_value(NAME)
    expect(page.get_by_label("Your name")).to_be_focused()
