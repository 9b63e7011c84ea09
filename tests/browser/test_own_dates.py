"""A practitioner keeps the dates of a workshop on a phone: adds, changes and deletes them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from demo.selfcheck.shop import Shop, open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE
from tests.browser.shopper import Shopper
from tests.browser.test_changed_dates import HOST, WORKSHOP, buy
from tests.browser.test_pages import _check, _serious

NAME = "Cooking for your dosha"


@pytest.fixture(scope="module")
def shop(stack: Plan) -> Shop:
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


@pytest.fixture
def priya(browser: Browser, stack: Plan) -> Iterator[Page]:
    page = browser.new_page(
        base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin"
    )
    Shopper(page).signs_in(HOST, SEEDED)
    page.goto("/dates/")
    yield page
    page.context.close()


def card_of(page: Page) -> Locator:
    return page.get_by_role("region", name=NAME)


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog")


def day_in(days: int) -> str:
    """Return a day that is later than any the demo and the other tests of this shop use or close."""
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def asks_for_a_date_in_half_a_year(card: Locator, dialog: Locator) -> None:
    card.get_by_role("button", name=re.compile("^New date")).click()
    dialog.get_by_label("Day").fill(day_in(180))
    dialog.get_by_label("Starts").fill("05:10")
    dialog.get_by_label("Minutes").fill("20")
    dialog.get_by_role("button", name="Add the date").click()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"])


def test_dates_of_two_weeks_are_added_and_one_is_deleted_by_keyboard(shop: Shop, priya: Page) -> None:
    card, keyboard = card_of(priya), Shopper(priya)
    before = len(shop.estuary.sessions(shop.service(WORKSHOP)["id"]))
    _check(priya, priya.url)
    priya.set_viewport_size(PHONE)
    keyboard.tabs_to(card.get_by_role("button", name=re.compile("^New date")))
    priya.keyboard.press("Enter")
    dialog = dialog_of(priya)
    dialog.get_by_label("Day").fill(day_in(120))
    dialog.get_by_label("Starts").fill("06:30")
    dialog.get_by_label("Minutes").fill("45")
    dialog.get_by_label("Seats").fill("3")
    dialog.get_by_label("Weeks").fill("2")
    expect(dialog.get_by_text("2 dates.")).to_be_visible()
    assert _serious(priya) == []
    assert fits(priya)
    keyboard.tabs_to(dialog.get_by_role("button", name="Add 2 dates"))
    priya.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    added = card.get_by_role("listitem").filter(has_text="0 of 3 seats taken")
    expect(added).to_have_count(2)
    assert len(shop.estuary.sessions(shop.service(WORKSHOP)["id"])) == before + 2

    keyboard.tabs_to(added.first.get_by_role("button", name=re.compile("^Delete")))
    priya.keyboard.press("Enter")
    assert _serious(priya) == []
    dialog_of(priya).get_by_role("button", name="Delete it").click()
    expect(added).to_have_count(1)
    assert len(shop.estuary.sessions(shop.service(WORKSHOP)["id"])) == before + 1


@pytest.mark.exhaustive
def test_a_time_that_is_taken_is_named_and_nothing_is_added(priya: Page) -> None:
    card, dialog = card_of(priya), dialog_of(priya)
    card.get_by_role("listitem").first.wait_for()
    rows = card.get_by_role("listitem").count()
    asks_for_a_date_in_half_a_year(card, dialog)
    expect(dialog).to_have_count(0)
    expect(card.get_by_role("listitem")).to_have_count(rows + 1)
    asks_for_a_date_in_half_a_year(card, dialog)
    expect(dialog.get_by_text("You are taken then, so nothing was added")).to_be_visible()
    expect(dialog.get_by_text(f": {NAME}")).to_be_visible()
    assert _serious(priya) == []
    assert fits(priya)
    priya.keyboard.press("Escape")
    expect(card.get_by_role("listitem")).to_have_count(rows + 1)


def test_seats_change_but_not_below_those_that_are_taken_and_the_time_is_moved_with_guests(
    shop: Shop, priya: Page
) -> None:
    session = shop.next_session(WORKSHOP, 1)
    buy(shop, session, "card", shop.price(WORKSHOP))
    priya.reload()
    row = priya.get_by_role("listitem").filter(has=priya.locator(f'a[href*="session={session}"]'))
    row.get_by_role("button", name=re.compile("^Change")).click()
    dialog = dialog_of(priya)
    expect(dialog.get_by_text("booked this time")).to_be_visible()
    expect(dialog.get_by_label("Starts")).to_have_count(0)
    assert _serious(priya) == []
    assert fits(priya)
    dialog.get_by_label("Seats").fill("17")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(row.get_by_text(re.compile("^[0-9]+ of 17 seats taken"))).to_be_visible()
    row.get_by_role("link", name=re.compile("^Call off or move")).click()
    expect(priya.get_by_role("heading", name="Call off or move")).to_be_visible()


def test_past_dates_are_folded(priya: Page) -> None:
    card = card_of(priya)
    card.get_by_text("Past dates").click()
    expect(card.get_by_text("There were none.").or_(card.locator("details li").first)).to_be_visible()
