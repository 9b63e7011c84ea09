"""A practitioner's day on a phone, by keyboard: today's guests, a note, a message, a past day, and the calendar."""

import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import ics
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from demo.plan import SETTINGS_FILE, Plan
from demo.selfcheck.estuary import Estuary
from demo.selfcheck.shop import PASSWORD as SEEDED
from demo.selfcheck.shop import Purchase, Shop, open_shop
from demo.selfcheck.stripe import GOOD
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE
from tests.browser.shopper import PATIENCE_S, Shopper
from tests.browser.test_pages import assert_accessible

HOST, ZONE = "jonas@estuary.example", ZoneInfo("Europe/Berlin")
WORKSHOP, SESSION = "desk-workers-back", "somatic-bodywork"
DISPUTED_CARD = "4000000000000259"
PAST_DAYS = 3


@dataclass(frozen=True)
class Day:
    """What was booked: a workshop that is moved to today, and a 1-on-1 three days ago."""

    today: str
    past: str
    guest: Estuary
    email: str


@pytest.fixture(scope="module")
def shop(stack: Plan) -> Shop:
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


def a_guest(shop: Shop, name: str) -> str:
    """Sign somebody up with a name, and return by which word the shop knows them."""
    who = f"guest-{secrets.token_hex(4)}"
    person = shop.person(who)
    person.http.patch(
        "/api/v1/account/", json={"name": name}, headers={"Authorization": f"Bearer {person.token}"}
    ).raise_for_status()
    return who


def buys(shop: Shop, who: str, slug: str, card: str = GOOD, **body: Any) -> Purchase:
    purchase = shop.begin_service(who, who, slug, **body)
    shop.pay(purchase, card)
    return purchase


@pytest.fixture(scope="module")
def day(shop: Shop, stack: Plan) -> Day:
    dates = shop.estuary.sessions(shop.service(WORKSHOP)["id"])
    session = [str(date["id"]) for date in dates if date["seats_left"] > 1][-1]
    seat: dict[str, Any] = {"scheduling_data": {"service_session_id": session}}
    maya, tom = a_guest(shop, "Freya Winter"), a_guest(shop, "Otto Sommer")
    buys(shop, maya, WORKSHOP, **seat, service_data={"allergies": "Almond oil"})
    disputed = buys(shop, tom, WORKSHOP, DISPUTED_CARD, **seat)
    wait_until(lambda: any(one["disputed"] for one in disputed.buyer.bookings_of(disputed.order_id)))
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=3)
    moves_to(shop, session, start)
    past = buys(
        shop, maya, SESSION, scheduling_data={"start_datetime": shop.free_start(SESSION)}, service_data={}
    )
    [booking] = past.buyer.bookings_of(past.order_id)
    before = start - timedelta(days=PAST_DAYS)
    was_on(stack, booking["id"], before)
    email = str(shop.person(maya).get("/api/v1/account/")["email"])
    return Day(_day(start), _day(before), shop.person(maya), email)


def _day(moment: datetime) -> str:
    return moment.astimezone(ZONE).date().isoformat()


def moves_to(shop: Shop, session: str, start: datetime) -> None:
    """Move a date as its practitioner does."""
    host, url = shop.estuary.sign_in(HOST, SEEDED), f"/api/v1/roster/sessions/{session}/move/"
    times = {"start_datetime": start.isoformat(), "end_datetime": (start + timedelta(hours=1)).isoformat()}
    preview = host.get(url, **times)
    host.post(url, preview_id=preview["preview_id"], **times)


def was_on(stack: Plan, booking_id: str, start: datetime) -> None:
    """Put a booking into the past, where time alone would bring it."""
    database_url = json.loads((stack.var / SETTINGS_FILE).read_text())["DATABASE_URL"]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE bookings_booking SET starts_at = %s, ends_at = %s, status = 'completed' WHERE id = %s",
            [start, start + timedelta(hours=1), int(booking_id)],
        )


def wait_until(holds: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def jonas(page: Page) -> Page:
    Shopper(page).signs_in(HOST, SEEDED)
    return page


def presses(keyboard: Shopper, target: Locator) -> None:
    keyboard.tabs_to(target)
    keyboard.page.keyboard.press("Enter")


def test_a_practitioners_day_by_the_keyboard_on_a_phone(jonas: Page, day: Day, stack: Plan) -> None:
    keyboard = Shopper(jonas)
    jonas.goto("/roster/")
    if day.today != _day(datetime.now(UTC) - timedelta(minutes=3)):
        # The test runs at midnight.
        presses(keyboard, jonas.get_by_role("button", name="Next day"))
    meeting = jonas.locator("main section").filter(has_text="The desk worker's back")
    expect(meeting.get_by_text("Freya Winter", exact=True)).to_be_visible()
    expect(meeting.get_by_text("Almond oil")).to_be_visible()
    expect(meeting.get_by_text("First visit").first).to_be_visible()
    disputed = meeting.get_by_role("listitem").filter(has_text="Otto Sommer")
    expect(disputed.get_by_text("Disputed")).to_be_visible()
    assert_accessible(jonas)

    text = f"Please bring a towel, {secrets.token_hex(4)}"
    presses(keyboard, jonas.get_by_role("button", name="Write to Freya Winter"))
    dialog = jonas.get_by_role("dialog")
    expect(dialog.get_by_text("replies reach us")).to_be_visible()
    assert_accessible(jonas)
    keyboard.tabs_to(dialog.get_by_label("Your message"))
    jonas.keyboard.type(text)
    presses(keyboard, dialog.get_by_role("button", name="Send"))
    expect(jonas.get_by_text("Sent", exact=True)).to_be_visible()
    mailed = mail_with(stack, text)
    assert day.email in mailed
    assert "Reply to this mail, and it reaches Estuary" in mailed
    assert HOST not in mailed

    for _ in range(PAST_DAYS):
        presses(keyboard, jonas.get_by_role("button", name="Previous day"))
    expect(jonas.get_by_text("Over", exact=True)).to_be_visible()
    expect(jonas.locator("main section").filter(has_text="Somatic bodywork").first).to_contain_text(
        "Freya Winter"
    )
    assert f"day={day.past}" in jonas.url
    assert_accessible(jonas)
    jonas.reload()
    expect(jonas.get_by_text("Over", exact=True)).to_be_visible()
    presses(keyboard, jonas.get_by_role("button", name="Today"))
    expect(jonas.get_by_text("Over", exact=True)).to_have_count(0)


def mail_with(stack: Plan, text: str) -> str:
    """Return a mail as it stands in the worker's log, once it is there."""
    log, mail = stack.logs / "worker.log", ""

    def is_there() -> bool:
        nonlocal mail
        written = log.read_text(errors="replace")
        before, here, after = written.partition(text)
        rest, end, _ = after.partition("-" * 79)
        mail = before[before.rfind("Subject: ") :] + here + rest
        return bool(here and end)

    wait_until(is_there)
    return mail


def test_all_guests_of_a_date_are_written_to_and_all_its_days_are_in_the_week(
    jonas: Page, day: Day, stack: Plan
) -> None:
    jonas.goto(f"/roster/?day={day.today}")
    jonas.get_by_role("button", name="Write to all 2").click()
    text = f"See you soon {secrets.token_hex(4)}"
    jonas.get_by_label("Your message").fill(text)
    jonas.get_by_role("button", name="Send").click()
    expect(jonas.get_by_text("Sent", exact=True)).to_be_visible()
    mail_with(stack, text)

    jonas.get_by_role("button", name="Week", exact=True).click()
    expect(jonas).to_have_url(re.compile(r"view=week"))
    for width in (PHONE["width"], 1200):
        jonas.set_viewport_size({"width": width, "height": PHONE["height"]})
        expect(booked_by_two(jonas)).to_be_visible()
        assert_accessible(jonas)
    booked_by_two(jonas).click()
    expect(jonas.get_by_text("Almond oil")).to_be_visible()
    jonas.go_back()
    expect(jonas).to_have_url(re.compile(r"view=week"))


def booked_by_two(page: Page) -> Locator:
    return page.get_by_role("button", name="The desk worker's back").filter(has_text="2 of")


def test_the_calendar_has_an_address_that_is_shown_once_and_stopped(
    jonas: Page, day: Day, stack: Plan
) -> None:
    keyboard = Shopper(jonas)
    jonas.goto("/roster/")
    presses(keyboard, jonas.get_by_role("button", name="Get an address"))
    field = jonas.get_by_label("Address of your calendar")
    expect(field).to_be_visible()
    assert_accessible(jonas)
    address = field.input_value()
    answer = httpx.get(address, trust_env=False)
    assert answer.headers["Content-Type"].startswith("text/calendar")
    names = {event.name for event in ics.Calendar(answer.text).events}
    assert "Somatic bodywork: Freya Winter" in names
    assert any(name.startswith("The desk worker's back (2 of") for name in names)
    again = httpx.get(address, headers={"If-None-Match": answer.headers["ETag"]}, trust_env=False)
    assert again.status_code == 304

    jonas.reload()
    expect(jonas.get_by_text("can’t be shown again")).to_be_visible()
    presses(keyboard, jonas.get_by_role("button", name="Stop"))
    presses(keyboard, jonas.get_by_role("dialog").get_by_role("button", name="Stop it"))
    expect(jonas.get_by_role("button", name="Get an address")).to_be_visible()
    assert httpx.get(address, trust_env=False).status_code == 404
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert token not in (stack.logs / "web.log").read_text(errors="replace")


@pytest.mark.exhaustive
def test_a_day_without_anybody_says_so(jonas: Page) -> None:
    jonas.goto("/roster/?day=2020-02-29")
    expect(jonas.get_by_text("Nobody was booked on this day")).to_be_visible()
    jonas.goto("/roster/?day=2020-02-30")
    expect(jonas.get_by_label("Go to a day")).not_to_have_value("2020-02-30")
    assert_accessible(jonas)


@pytest.mark.exhaustive
def test_a_day_prints_without_buttons(jonas: Page, day: Day) -> None:
    jonas.goto(f"/roster/?day={day.today}")
    expect(jonas.get_by_text("Almond oil")).to_be_visible()
    jonas.emulate_media(media="print")
    expect(jonas.get_by_role("button", name="Previous day")).to_be_hidden()
    expect(jonas.get_by_role("button", name="Write to Freya Winter")).to_be_hidden()
    expect(jonas.get_by_text("Almond oil")).to_be_visible()


@pytest.mark.exhaustive
def test_only_a_practitioner_s_menu_leads_to_the_pages_of_practitioners(page: Page) -> None:
    shopper = Shopper(page).has_account()
    page.goto("/orders/")
    opens_menu(page, links=0)
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url("/")
    shopper.signs_in(HOST, SEEDED)
    opens_menu(page, links=1)
    page.get_by_role("menuitem", name="My roster").click()
    for name, title in (("Dates", "Dates"), ("Hours", "Your hours"), ("Changes", "Called off and moved")):
        page.get_by_role("navigation", name="Your practice").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    assert_accessible(page)


def opens_menu(page: Page, *, links: int) -> None:
    page.get_by_role("button", name="Your account").click()
    expect(page.get_by_role("menuitem", name="Your profile")).to_be_visible()
    for name in ("My roster", "My dates", "My hours"):
        expect(page.get_by_role("menuitem", name=name)).to_have_count(links)
