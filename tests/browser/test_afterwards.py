"""What a buyer does with what was bought: schedule, cancel, put into the calendar, sign out."""

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from tests.browser.conftest import PHONE
from tests.browser.shopper import PATIENCE_S, Shopper

LONG_LINK = "https://" + 80 * "long" + ".example"


def test_a_part_of_a_bundle_is_given_a_time(shopper: Shopper) -> None:
    page = (
        shopper.chooses("Ten guided meditations", kind="bundle").types_card().pays("380.00").is_thanked().page
    )
    expect(shopper.bookings().first).to_contain_text("10 to schedule")
    page.get_by_role("button", name="Choose a time").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Later days").click()
    dialog.get_by_role("radio").first.check()
    dialog.get_by_role("button", name="Confirm this time").click()
    expect(page.get_by_role("article").filter(has_text="9 to schedule")).to_be_visible()
    expect(page.get_by_role("button", name="Add to calendar")).to_have_count(1)


@pytest.mark.exhaustive
def test_every_part_of_a_package_is_given_a_time(shopper: Shopper) -> None:
    page = shopper.chooses("The reset week", kind="package").types_card().pays("230.00").is_thanked().page
    page.get_by_role("link", name="Choose your times").click()
    for left in (2, 1, 0):
        page.get_by_role("button", name="Choose a time").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio").last.check()
        dialog.get_by_role("button", name="Confirm this time").click()
        expect(page.get_by_text("No time yet")).to_have_count(left)
    expect(page.get_by_role("button", name="Add to calendar")).to_have_count(3)


def test_a_booking_goes_into_the_calendar_and_is_canceled_with_its_money_back(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page
    shopper.bookings()
    with page.expect_download() as download:
        page.get_by_role("button", name="Add to calendar").click()
    calendar = Path(download.value.path()).read_bytes()
    assert calendar.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"SUMMARY:Sound bath at dusk\r\n" in calendar
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("$35.00 comes back to you")
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Nothing is planned yet")).to_be_visible()
    shopper.orders().get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Refunds")).to_be_visible()


@pytest.mark.exhaustive
def test_what_comes_back_for_a_part_of_a_bundle_is_said_beforehand(shopper: Shopper) -> None:
    page = (
        shopper.chooses("Ten guided meditations", kind="bundle").types_card().pays("380.00").is_thanked().page
    )
    shopper.bookings()
    page.get_by_role("button", name="Cancel one").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("$38.00 comes back to you")
    dialog.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_role("article").filter(has_text="9 to schedule")).to_be_visible()
    shopper.orders().get_by_role("link").first.click()
    expect(page.get_by_text("$38.00 to your card")).to_be_visible()


@pytest.mark.exhaustive
def test_an_unpaid_order_is_canceled(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card("4000 0000 0000 0002").pays("35.00").page
    shopper.is_told("declined")
    shopper.orders().get_by_role("link").first.click()
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_text("Canceled").first).to_be_visible()
    expect(page.get_by_role("heading", name="What it comes to")).to_be_visible()
    expect(page.get_by_text("Paid by card or bank")).to_have_count(0)


@pytest.mark.exhaustive
def test_signed_out_is_signed_out(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/")
    page.get_by_role("button", name=re.compile("Your account")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/orders/")
    expect(page.get_by_text("Sign in to go on")).to_be_visible()


def test_an_expired_access_token_is_renewed_without_a_word(shopper: Shopper) -> None:
    page = shopper.page
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append("once")
            route.fulfill(status=401, json={"code": "not_authenticated", "detail": "Sign in first."})

    page.route("**/api/v1/credits/", refuse_once)
    page.goto("/credits/")
    expect(page.get_by_text("Your balance")).to_be_visible()
    assert refused == ["once"]


def test_practitioners_see_who_is_booked(shopper: Shopper, browser: Browser, stack: Plan) -> None:
    shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked()
    practitioner = Shopper(browser.new_page(base_url=stack.web_url)).signs_in("mateo@estuary.example", SEEDED)
    practitioner.opens_roster("Sound bath at dusk")
    expect(practitioner.page.get_by_text("Paid").first).to_be_visible()
    practitioner.page.context.close()


@pytest.mark.exhaustive
def test_what_a_frontend_sends_along_is_on_the_order_and_on_the_roster(
    shopper: Shopper, browser: Browser, stack: Plan
) -> None:
    def add_a_wish(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        body["service_data"] = {"my_wish": "A seat by the window", "my_link": LONG_LINK}
        route.continue_(post_data=json.dumps(body))

    shopper.page.route("**/api/v1/payments/create/", add_a_wish)
    page = shopper.chooses("Sound bath at dusk").types_card().pays("35.00").is_thanked().page
    page.goto(page.url.replace("checkout/return/?order=", "orders/?id="))
    expect(page.get_by_text("my wish")).to_be_visible()
    expect(page.get_by_text("A seat by the window")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    practitioner = Shopper(browser.new_page(base_url=stack.web_url)).signs_in("mateo@estuary.example", SEEDED)
    practitioner.opens_roster("Sound bath at dusk")
    expect(practitioner.page.get_by_text("A seat by the window").first).to_be_visible()
    practitioner.page.context.close()


def test_a_forgotten_password_is_set_anew_by_the_link_in_the_laptops_log(
    shopper: Shopper, stack: Plan
) -> None:
    page = shopper.page
    page.goto("/reset-password/")
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("Look into your mail")).to_be_visible()
    page.goto(link_mailed_to(shopper, stack))
    page.get_by_label("New password").fill("another-otter-on-the-rocks")
    page.get_by_role("button", name="Set the new password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    shopper.signs_in(shopper.email, "another-otter-on-the-rocks")


def link_mailed_to(shopper: Shopper, stack: Plan) -> str:
    """Return the link as it stands in the worker's log, once it is there."""
    link = re.compile(
        rf"^To: {re.escape(shopper.email)}$.*?^({stack.web_url}/reset-password/\S+)$", re.M | re.S
    )
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if match := link.search((stack.logs / "worker.log").read_text(errors="replace")):
            return match[1]
        shopper.page.wait_for_timeout(100)
    raise AssertionError("no link came")
