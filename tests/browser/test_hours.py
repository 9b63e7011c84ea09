"""A practitioner changes the own hours on a phone between two sessions: by thumb, by keyboard, in two tabs."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from demo.selfcheck.shop import Shop, open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE
from tests.browser.shopper import Shopper
from tests.browser.test_pages import _check, _serious

HOST, ZONE = "ana@estuary.example", ZoneInfo("Europe/Lisbon")
SESSION = "private-yoga"
API = re.compile(r"/api/v1/hours/$")


@pytest.fixture(scope="module")
def shop(stack: Plan) -> Shop:
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


@pytest.fixture
def ana(browser: Browser, stack: Plan) -> Iterator[Page]:
    """Ana's phone; what she changes is put back, because other tests book with her."""
    context = browser.new_context(
        base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id="America/New_York"
    )
    page = context.new_page()
    Shopper(page).signs_in(HOST, SEEDED)
    with page.expect_response(API) as answered:
        page.goto("/hours/")
    before = answered.value.json()
    headers = {"Authorization": answered.value.request.headers["authorization"]}
    yield page
    now = page.request.get("/api/v1/hours/", headers=headers).json()
    page.request.put(
        "/api/v1/hours/", headers=headers, data={"version": now["version"], "week": before["week"]}
    )
    for one in now["exceptions"]:
        page.request.delete(f"/api/v1/hours/exceptions/{one['day']}/", headers=headers)
    context.close()


def day(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def times(page: Page, name: str) -> list[str]:
    return [field.input_value() for field in day(page, name).locator("input").all()]


def has_one_line(page: Page, name: str) -> Locator:
    """Remove the windows of a day, and add one, which is 09:00 until 17:00."""
    region = day(page, name)
    while region.get_by_role("button", name="Remove line 1").count():
        region.get_by_role("button", name="Remove line 1").click()
    region.get_by_role("button", name="Add hours").click()
    return region


def test_the_week_is_changed_by_thumb_and_stays(ana: Page) -> None:
    _check(ana, "/hours/")
    ana.set_viewport_size(PHONE)
    monday = has_one_line(ana, "Monday")
    monday.get_by_label("Monday, until").fill("12:00")
    monday.get_by_role("button", name="Add hours").click()
    assert times(ana, "Monday") == ["09:00", "12:00", "13:00", "15:00"]
    ana.get_by_role("button", name="Copy Monday to all weekdays").click()
    assert times(ana, "Friday") == times(ana, "Monday")
    bar = ana.get_by_role("region", name="Changes that are not saved")
    bar.get_by_text("5 days change").click()
    expect(bar).to_contain_text("9:00 AM – 12:00 PM, 1:00 PM – 3:00 PM")
    assert _serious(ana) == []
    bar.get_by_role("button", name="Save").click()
    expect(bar).to_have_count(0)
    ana.reload()
    expect(day(ana, "Tuesday")).to_be_visible()
    assert times(ana, "Tuesday") == ["09:00", "12:00", "13:00", "15:00"]


@pytest.mark.exhaustive
def test_what_can_not_be_is_marked_before_it_is_sent(ana: Page) -> None:
    monday = has_one_line(ana, "Monday")
    monday.get_by_label("Monday, from").fill("18:00")
    monday.get_by_label("Monday, until").fill("00:00")
    save = ana.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled()
    monday.get_by_label("Monday, until").fill("02:00")
    expect(monday).to_contain_text("This ends before it begins.")
    expect(save).to_be_disabled()
    assert _serious(ana) == []
    ana.get_by_role("button", name="Discard").click()
    expect(save).to_have_count(0)


@pytest.mark.exhaustive
def test_changes_that_are_not_saved_are_guarded_and_kept(ana: Page) -> None:
    before = times(ana, "Monday")
    day(ana, "Monday").get_by_role("button", name="Remove line 1").click()
    changed = times(ana, "Monday")
    ana.get_by_role("link", name="Call off days").click()
    dialog = ana.get_by_role("dialog", name="Your hours are not saved")
    expect(dialog).to_be_visible()
    assert _serious(ana) == []
    dialog.get_by_role("button", name="Stay here").click()
    ana.get_by_role("link", name="Call off days").click()
    dialog.get_by_role("button", name="Leave without saving").click()
    ana.wait_for_url("**/roster/change/")
    ana.go_back()
    expect(ana.get_by_text("Monday changes")).to_be_visible()
    assert times(ana, "Monday") == changed
    dialogs: list[str] = []

    def agree(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    ana.once("dialog", agree)
    ana.reload()
    assert dialogs == ["beforeunload"]
    expect(day(ana, "Monday")).to_be_visible()
    assert times(ana, "Monday") == before


@pytest.mark.exhaustive
def test_the_second_tab_is_told_and_may_choose(ana: Page) -> None:
    second = ana.context.new_page()
    second.goto("/hours/")
    for page, until in ((second, "11:00"), (ana, "10:30")):
        field = day(page, "Sunday").get_by_label("Sunday, until")
        if field.count() == 0:
            day(page, "Sunday").get_by_role("button", name="Add hours").click()
        field.first.fill(until)
    second.get_by_role("button", name="Save", exact=True).click()
    expect(second.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    ana.get_by_role("button", name=re.compile("^Save")).click()
    expect(ana.get_by_text("Your hours were changed elsewhere meanwhile")).to_be_visible()
    ana.get_by_role("button", name="Save mine").click()
    expect(ana.get_by_role("button", name="Save mine")).to_have_count(0)
    second.reload()
    expect(day(second, "Sunday")).to_be_visible()
    assert times(second, "Sunday")[1] == "10:30"


def test_a_day_with_other_hours_is_added_changed_and_removed_by_keyboard(ana: Page) -> None:
    keyboard = Shopper(ana)
    christmas = datetime.now(UTC).date() + timedelta(days=40)
    ana.get_by_role("button", name="Add a day with other hours").focus()
    ana.keyboard.press("Enter")
    dialog = ana.get_by_role("dialog")
    dialog.get_by_label("Day", exact=True).fill(christmas.isoformat())
    off = dialog.get_by_role("switch", name="Not working on this day")
    keyboard.tabs_to(off)
    ana.keyboard.press("Space")
    assert _serious(ana) == []
    keyboard.tabs_to(dialog.get_by_role("button", name="Save this day"))
    ana.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    entry = ana.get_by_role("listitem").filter(has_text=f"{christmas:%b} {christmas.day}, {christmas.year}")
    expect(entry).to_contain_text(re.compile("not working", re.I))
    entry.get_by_role("button", name="Change").click()
    dialog.get_by_role("switch").click()
    dialog.get_by_role("button", name="Add hours").click()
    dialog.get_by_role("button", name="Save this day").click()
    expect(entry).to_contain_text("9:00 AM – 5:00 PM")
    entry.get_by_role("button", name="Remove").click()
    expect(entry).to_have_count(0)


def written(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def test_a_booking_on_a_closed_day_stands_until_it_is_called_off(shop: Shop, ana: Page) -> None:
    start = shop.free_start(SESSION)
    body = {"scheduling_data": {"start_datetime": start}}
    purchase = shop.begin_service("booked before the day was closed", "early-guest", SESSION, **body)
    shop.pay(purchase)
    day = datetime.fromisoformat(start).astimezone(ZONE).date()
    ana.get_by_role("button", name="Add a day with other hours").click()
    dialog = ana.get_by_role("dialog")
    dialog.get_by_label("Day", exact=True).fill(day.isoformat())
    dialog.get_by_role("switch", name="Not working on this day").click()
    dialog.get_by_role("button", name="Save this day").click()
    expect(dialog).to_have_count(0)
    booked = ana.get_by_role("listitem").filter(has=ana.get_by_role("link", name="Call off")).last
    expect(ana.get_by_text(re.compile("bookings? (is|are) outside your hours"))).to_be_visible()
    expect(booked).to_contain_text("Lisbon time")
    [booking] = purchase.buyer.bookings_of(purchase.order_id)
    assert booking["status"] == "confirmed"
    _check(ana, "/hours/")

    ana.set_viewport_size(PHONE)
    ana.locator(f'a[href="/roster/change/?booking={booking["id"]}"]').click()
    ana.get_by_role("button", name=re.compile("^Call it off and refund .+ to 1 guest$")).click()
    expect(ana.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    purchase.buyer.wait_for_order(purchase.order_id, "refunded")
    ana.goto("/hours/")
    expect(ana.get_by_role("listitem").filter(has_text=written(day))).to_be_visible()
    expect(ana.locator(f'a[href="/roster/change/?booking={booking["id"]}"]')).to_have_count(0)


@pytest.mark.exhaustive
def test_the_hours_of_a_day_off_are_named_and_no_more_is_opened(ana: Page) -> None:
    day = datetime.now(ZONE).date() + timedelta(days=110)
    for hours in ({"From": "08:00", "Until": "10:00"}, {"From": "18:00"}):
        ana.goto("/roster/change/")
        for label in ("First day", "Last day"):
            ana.get_by_label(label).fill(day.isoformat())
        for label, hour in hours.items():
            ana.get_by_label(f"{label} (if not all of it)").fill(hour)
        ana.get_by_role("button", name="Show what would happen").click()
        ana.get_by_role("button", name=re.compile("^Call off this time")).click()
        expect(ana.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    ana.goto("/hours/")
    morning = ana.get_by_role("listitem").filter(has_text=f"{written(day)}, 8:00 AM – 10:00 AM")
    evening = ana.get_by_role("listitem").filter(has_text=f"{written(day)}, from 6:00 PM")
    expect(evening).to_have_count(1)
    morning.get_by_role("button", name="Open again").click()
    expect(morning).to_have_count(0)
    expect(evening).to_have_count(1)
    _check(ana, "/hours/")
    evening.get_by_role("button", name="Open again").click()
    expect(evening).to_have_count(0)


@pytest.mark.exhaustive
def test_days_off_are_opened_again_by_thumb(shop: Shop, ana: Page) -> None:
    first = datetime.now(ZONE).date() + timedelta(days=100)
    last = first + timedelta(days=1)
    ana.get_by_role("link", name="Call off days").click()
    ana.get_by_label("First day").fill(first.isoformat())
    ana.get_by_label("Last day").fill(last.isoformat())
    ana.get_by_role("button", name="Show what would happen").click()
    ana.get_by_role("button", name=re.compile("^Call off this time")).click()
    expect(ana.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    ana.goto("/hours/")
    days_off = ana.get_by_role("listitem").filter(has_text=f"{written(first)} – {written(last)}")
    days_off.get_by_role("button", name="Open again").click()
    expect(days_off).to_have_count(0)
    expect(ana.get_by_text(f"{written(first)} – {written(last)}: open for bookings again.")).to_be_attached()
    assert _serious(ana) == []
