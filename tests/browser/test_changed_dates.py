"""A practitioner calls off a workshop with twelve guests of four tenders, and moves another, on a phone."""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from demo.selfcheck.shop import Purchase, Shop, open_shop
from demo.selfcheck.stripe import GOOD
from estuary.common import clock
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE
from tests.browser.shopper import Shopper
from tests.browser.test_pages import _check, _serious

WORKSHOP, PRICE, HOST = "cooking-for-your-dosha", "40.00", "priya@estuary.example"
TENDERS = ("card", "credits", "mixed", "page")


@pytest.fixture(scope="module")
def shop(stack: Plan) -> Shop:
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


@pytest.fixture
def priya(browser: Browser, stack: Plan) -> Iterator[Page]:
    page = browser.new_page(
        base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin"
    )
    Shopper(page).signs_in(HOST, SEEDED)
    yield page
    page.context.close()


def day_of(shop: Shop, session: str) -> str:
    """Return the roster's address of the day of a date."""
    [date] = [one for one in shop.estuary.sessions(shop.service(WORKSHOP)["id"]) if one["id"] == session]
    day = datetime.fromisoformat(date["start_datetime"]).astimezone(ZoneInfo("Asia/Kolkata")).date()
    return f"/roster/?day={day.isoformat()}"


def buy(shop: Shop, session: str, tender: str, price: str) -> Purchase:
    """Buy a seat as a guest of its own, by one of four tenders."""
    who = f"guest {secrets.token_hex(4)}".replace(" ", "-")
    credits = {"credits": price, "mixed": f"{float(price) / 2:.2f}"}.get(tender)
    if credits:
        bought = shop.begin(
            f"credits of {who}", who, is_credit_purchase=True, amount=credits, payment_type="intent"
        )
        shop.pay(bought)
    body = {"scheduling_data": {"service_session_id": session}}
    if credits:
        body["use_credits"] = True  # type: ignore[assignment]
    if tender == "page":
        body["payment_type"] = "checkout"  # type: ignore[assignment]
    purchase = shop.begin_service(who, who, WORKSHOP, **body)
    if tender == "page":
        shop.browser.pay_on_page(purchase.created["checkout_url"], GOOD)
        purchase.buyer.wait_for_order(purchase.order_id, "completed")
    elif tender != "credits":
        shop.pay(purchase)
    return purchase


def test_a_workshop_with_twelve_guests_of_four_tenders_is_called_off_on_a_phone(
    shop: Shop, priya: Page
) -> None:
    session, price = shop.next_session(WORKSHOP, 1), shop.price(WORKSHOP)
    day = day_of(shop, session)
    purchases = [buy(shop, session, TENDERS[number % 4], price) for number in range(12)]

    priya.goto(day)
    link = priya.locator(f'a[href*="session={session}"]')
    expect(link).to_be_visible()
    # By the keyboard alone from here on.
    keyboard = Shopper(priya)
    keyboard.tabs_to(link)
    priya.keyboard.press("Enter")
    expect(priya.get_by_text("12 guests get money back.")).to_be_visible()
    _check(priya, priya.url)
    priya.set_viewport_size(PHONE)
    expect(priya.get_by_text("goes back as credits")).to_be_visible()
    expect(priya.locator("main form li").filter(has_text="To be refunded")).to_have_count(15)
    keyboard.tabs_to(priya.get_by_label("A message to your guests"))
    priya.keyboard.type("I have the flu. <b>See you in spring!</b>")
    keyboard.tabs_to(priya.get_by_role("button", name="Call it off and refund 12 guests"))
    priya.keyboard.press("Enter")

    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    assert _serious(priya) == []
    assert priya.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert "change=chg_" in priya.url
    priya.reload()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    for purchase, number in zip(purchases, range(12), strict=True):
        purchase.buyer.wait_for_order(purchase.order_id, "refunded")
        [booking] = purchase.buyer.bookings_of(purchase.order_id)
        assert booking["status"] == "canceled"
        if TENDERS[number % 4] in {"credits", "mixed"}:
            assert float(purchase.buyer.balance()) == float(price) / (
                1 if TENDERS[number % 4] == "credits" else 2
            )
    assert session not in {date["id"] for date in shop.estuary.sessions(shop.service(WORKSHOP)["id"])}
    priya.goto(day)
    expect(priya.get_by_text("Called off", exact=True).first).to_be_visible()


@pytest.mark.exhaustive
def test_what_changed_meanwhile_is_shown_before_anything_is_done(shop: Shop, priya: Page) -> None:
    session = shop.next_session(WORKSHOP, 0)
    priya.goto(f"/roster/change/?session={session}")
    button = priya.get_by_role("button", name=re.compile("^Call it off"))
    expect(button).to_be_visible()
    guests = priya.get_by_text(re.compile("money back|Nobody has booked")).first.inner_text()
    buy(shop, session, "card", shop.price(WORKSHOP))
    button.click()
    expect(priya.get_by_text("Things have changed since you looked")).to_be_visible()
    assert priya.get_by_text(re.compile("money back")).first.inner_text() != guests
    assert shop.estuary.seats_left(shop.service(WORKSHOP)["id"], session) > 0


def test_a_guest_of_a_moved_date_gets_everything_back_with_one_click(
    shop: Shop, priya: Page, shopper: Shopper
) -> None:
    page = shopper.chooses("Cooking for your dosha").types_card().pays(shop.price(WORKSHOP)).is_thanked().page
    session = shop.next_session(WORKSHOP, 0)
    priya.goto(f"/roster/change/?session={session}")
    priya.get_by_label("Move it to another time").check()
    priya.get_by_label("New start").fill("19:30")
    priya.get_by_role("button", name="Show what would happen").click()
    expect(priya.get_by_text("gets everything back with one click", exact=False).first).to_be_visible()
    _serious(priya)
    priya.get_by_role("button", name=re.compile("^Move it with")).click()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()

    page.goto("/bookings/")
    expect(page.get_by_text("has moved this from")).to_be_visible()
    expect(page.get_by_text("all of your money comes back: ask for it until")).to_be_visible()
    # It would say the same in other words.
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    assert _serious(page) == []
    page.get_by_role("button", name="I can’t come: give me my money back").click()
    expect(page.get_by_role("dialog").get_by_text("comes back to you")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("has moved this from")).to_have_count(0)


@pytest.mark.exhaustive
def test_a_buyer_with_an_open_page_does_not_pay_for_a_time_that_was_not_shown(
    shop: Shop, priya: Page, shopper: Shopper
) -> None:
    page = shopper.chooses("Cooking for your dosha").types_card().page
    session = shop.next_session(WORKSHOP, 0)
    priya.goto(f"/roster/change/?session={session}")
    priya.get_by_label("Move it to another time").check()
    priya.get_by_label("New start").fill("20:15")
    priya.get_by_role("button", name="Show what would happen").click()
    priya.get_by_role("button", name=re.compile("^Move it")).click()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()

    price, bought = shop.price(WORKSHOP), page.get_by_role("region", name="What you buy")
    shown = bought.inner_text()
    shopper.pays(price)
    expect(page.get_by_text("has been moved since you looked")).to_be_visible()
    expect(page.get_by_role("link", name="Choose another time")).to_be_visible()
    expect(bought).not_to_have_text(shown)
    assert _serious(page) == []
    shopper.pays(price).is_thanked()


def test_a_time_that_is_refused_is_a_refusal_and_nothing_to_try_again(shop: Shop, priya: Page) -> None:
    session = shop.next_session(WORKSHOP, 1)
    priya.goto(f"/roster/change/?session={session}")
    priya.get_by_label("Move it to another time").check()
    expect(priya.get_by_label("New start")).to_be_visible()
    show = priya.get_by_role("button", name="Show what would happen")
    refusal = priya.get_by_role("main").get_by_role("alert")
    show.click()
    expect(refusal).to_contain_text("This is the time that it has already.")
    priya.get_by_label("New day").fill("2020-01-01")
    show.click()
    expect(refusal).to_contain_text("is over already")
    expect(priya.get_by_text("could not be loaded")).to_have_count(0)
    expect(priya.get_by_role("button", name="Try again")).to_have_count(0)
    assert _serious(priya) == []


@pytest.mark.exhaustive
def test_days_name_each_date_that_goes_off_sale_and_the_zone_of_the_practice(shop: Shop, priya: Page) -> None:
    session = shop.next_session(WORKSHOP, 1)
    [_, day] = day_of(shop, session).split("=")
    priya.goto("/roster/change/")
    expect(priya.get_by_role("heading", name="Call off days", exact=True)).to_be_visible()
    expect(priya.get_by_text("in your practice’s time zone, Asia/Kolkata")).to_be_visible()
    priya.get_by_label("First day").fill(day)
    priya.get_by_label("Last day").fill(day)
    priya.get_by_role("button", name="Show what would happen").click()
    expect(priya.get_by_role("heading", name="off sale")).to_be_visible()
    line = (
        priya.get_by_role("listitem")
        .filter(has_text="Cooking for your dosha")
        .filter(has_text="(Asia/Kolkata)")
    )
    expect(line.first).to_be_visible()
    assert _serious(priya) == []
    priya.get_by_role("button", name=re.compile("^Call off this time")).click()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    expect(priya.get_by_role("heading", name="called off").last).to_be_visible()
    expect(line.first).to_be_visible()
    assert _serious(priya) == []


@pytest.mark.exhaustive
def test_a_guest_who_opens_the_page_learns_where_their_own_bookings_are(shopper: Shopper) -> None:
    page = shopper.chooses("Cooking for your dosha").types_card().pays("40.00").is_thanked().page
    page.goto("/roster/change/")
    expect(page.get_by_text("This page is for practitioners")).to_be_visible()
    expect(page.get_by_text("/api/")).to_have_count(0)


def test_days_are_previewed_before_they_are_called_off(priya: Page) -> None:
    priya.goto("/roster/change/")
    priya.get_by_label("First day").fill("2000-01-01")
    priya.get_by_role("button", name="Show what would happen").click()
    # The browser itself refuses a day that is over.
    assert priya.get_by_label("First day").evaluate("input => input.validity.rangeUnderflow")
    _check(priya, "/roster/change/")


@pytest.mark.exhaustive
def test_an_afternoon_is_called_off_and_stays_on_the_list_of_changes(priya: Page) -> None:
    day = (clock.now() + timedelta(days=55)).date().isoformat()
    priya.goto("/roster/change/")
    priya.get_by_label("First day").fill(day)
    priya.get_by_label("From (if not all of it)").fill("13:00")
    priya.get_by_label("Last day").fill(day)
    priya.get_by_label("Until (if not all of it)").fill("18:00")
    priya.get_by_role("button", name="Show what would happen").click()
    expect(priya.get_by_role("heading", name="1:00 PM to 6:00 PM")).to_be_visible()
    priya.get_by_role("button", name="Call off this time").click()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()
    priya.get_by_role("link", name="All that you called off or moved").click()
    change = priya.get_by_role("link", name="1:00 PM to 6:00 PM")
    expect(change).to_contain_text("Done")
    _check(priya, "/roster/changes/")
    change.click()
    expect(priya.get_by_text("Everybody concerned has been written to.")).to_be_visible()
