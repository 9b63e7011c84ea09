"""A booking is moved to another time on a phone: by thumb, by keyboard, and when somebody else was faster."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import PHONE
from tests.browser.shopper import Shopper
from tests.browser.test_pages import _serious

MOVE = "Move to the new time"


def buys_for_later(shopper: Shopper, service: str, kind: str, price: str) -> Page:
    """Buy something that begins in more than a week, so that cancelling is free, and open the bookings."""
    page = shopper.page
    page.goto(f"/?type={kind}")
    page.get_by_role("link", name=re.compile(service)).click()
    if kind == "session":
        page.get_by_role("button", name="Later days").click()
        page.get_by_role("radio").first.check()
    else:
        page.get_by_role("radio", disabled=False).nth(2).check()
    page.get_by_role("link", name="Continue to payment").click()
    shopper.types_card().pays(price).is_thanked()
    shopper.bookings()
    return page


def time_of(page: Page) -> str:
    return page.get_by_role("article").locator("p.font-semibold").inner_text()


def is_in_reach(button: Locator) -> None:
    """It is within the phone's screen without scrolling, and large enough for a thumb."""
    expect(button).to_be_in_viewport(ratio=1)
    box = button.bounding_box()
    assert box and box["height"] >= 44
    assert box["y"] + box["height"] <= PHONE["height"]


def test_a_session_is_moved_twice_on_a_phone_and_then_no_more(shopper: Shopper) -> None:
    page = buys_for_later(shopper, "Private yoga session", "session", "85.00")
    for left in ("You can move it 2 times, until", "You can move it once more, until"):
        before = time_of(page)
        page.get_by_role("button", name="Move", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(left)
        expect(dialog.get_by_role("button", name="Choose a new time")).to_be_disabled()
        dialog.get_by_role("button", name="Later days").click()
        dialog.get_by_role("button", name="Later days").click()
        dialog.get_by_role("radio").first.check()
        expect(dialog.get_by_text(before)).to_be_visible()
        expect(dialog.locator("dd")).to_have_count(2)
        expect(dialog).to_contain_text("Free to cancel until")
        is_in_reach(dialog.get_by_role("button", name=MOVE))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert _serious(page) == []
        dialog.get_by_role("button", name=MOVE).click()
        expect(dialog).to_have_count(0)
        notice = page.get_by_role("status").filter(has_text="It begins")
        expect(notice).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("article")).to_contain_text("Moved; it was")
        expect(page.get_by_text(before, exact=True)).to_have_count(0)
        expect(notice).to_contain_text(time_of(page))
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Move", exact=True)).to_have_count(0)
    expect(page.get_by_role("article")).to_contain_text("It can’t be moved again.")


@pytest.mark.exhaustive
def test_a_seat_is_moved_by_keyboard_alone(shopper: Shopper) -> None:
    page = buys_for_later(shopper, "Sound bath at dusk", "workshop", "35.00")
    before = time_of(page)
    shopper.tabs_to(page.get_by_role("button", name="Move", exact=True))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dates = dialog.get_by_role("radio", disabled=False)
    expect(dates.first).to_be_visible()
    shopper.tabs_to(dates.first)
    page.keyboard.press("Space")
    expect(dialog.locator("dd").first).to_have_text(before)
    assert _serious(page) == []
    shopper.tabs_to(dialog.get_by_role("button", name=MOVE))
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("article")).to_contain_text("Moved; it was")


@pytest.mark.exhaustive
def test_a_time_that_was_just_taken_leaves_the_old_one_and_the_choice(shopper: Shopper) -> None:
    page = buys_for_later(shopper, "Private yoga session", "session", "85.00")
    before = time_of(page)

    def taken(route: Route) -> None:
        detail = "This time has just been taken. Choose another slot."
        route.fulfill(
            status=409, json={"code": "slot_taken", "title": "That time is taken", "detail": detail}
        )

    page.route("**/move/", taken)
    page.get_by_role("button", name="Move", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio").last.check()
    dialog.get_by_role("button", name=MOVE).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose another slot")
    is_in_reach(dialog.get_by_role("button", name=MOVE))
    page.unroute("**/move/")
    dialog.get_by_role("button", name=MOVE).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(before, exact=True)).to_have_count(0)
