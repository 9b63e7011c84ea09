"""A date in a place is shown in the place's time, with one's own beside it; what is online has a link for guests."""

import pytest
from playwright.sync_api import expect

from tests.browser.shopper import Shopper


def test_a_date_in_a_place_is_shown_in_its_time_with_ones_own_beside_it(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/?type=workshop")
    page.get_by_role("link", name="Breath and cold water").click()
    expect(page.get_by_text("2775-604 Carcavelos").first).to_be_visible()
    expect(page.get_by_role("link", name="Directions to Praia de Carcavelos")).to_have_attribute(
        "href", "https://www.google.com/maps/dir/?api=1&destination=Praia%20de%20Carcavelos%2C%20Avenida%20"
        "Marginal%2C%20posto%203%2C%202775-604%20Carcavelos%2C%20Portugal",
    )  # fmt: skip
    expect(page.get_by_text("Shown in the time of the place: Europe/Lisbon")).to_be_visible()
    date = page.get_by_role("radio", disabled=False).first
    expect(page.locator("label").filter(has=date).first).to_contain_text("10:00 AM – 12:30 PM")
    date.check()
    expect(page.get_by_text("Your time:")).to_contain_text("11:00 AM – 1:30 PM")
    page.get_by_role("link", name="Continue to payment").click()
    expect(page.get_by_label("What you buy")).to_contain_text("your time: ")


@pytest.mark.exhaustive
def test_who_has_booked_joins_online_until_it_is_canceled(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").page
    expect(page.get_by_text("Join online")).to_have_count(0)
    shopper.types_card().pays("35.00").is_thanked()
    booked = shopper.bookings().first
    link = booked.get_by_role("link", name="Join online")
    expect(link).to_have_attribute("href", "https://meet.estuary.example/sound-bath-at-dusk")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_text("Nothing is planned yet")).to_be_visible()
    expect(page.get_by_text("Join online")).to_have_count(0)


@pytest.mark.exhaustive
def test_a_package_says_where_each_part_is(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/?type=package")
    page.get_by_role("link", name="The reset week").click()
    expect(page.get_by_text("Each part has its own place")).to_be_visible()
    parts = page.get_by_role("listitem")
    expect(parts.filter(has_text="Somatic bodywork")).to_contain_text("Studio Kreuzberg, Oranienstraße 25")
    expect(parts.filter(has_text="Sound bath at dusk")).to_contain_text("Online")


def test_what_is_in_a_place_is_confirmed_moved_and_canceled_in_its_time(shopper: Shopper) -> None:
    page, refused = shopper.page, []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page.goto("/?type=workshop")
    page.get_by_role("link", name="Breath and cold water").click()
    page.get_by_role("radio", disabled=False).nth(1).check()
    page.get_by_role("link", name="Continue to payment").click()
    shopper.types_card().pays("65.00").is_thanked()
    expect(page.get_by_text("You have paid $65.00.")).to_contain_text(
        f"The confirmation goes to {shopper.email}."
    )
    booked = shopper.bookings().first
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("dialog").get_by_role("radio").last.check()
    page.get_by_role("button", name="Move to the new time").click()
    moved = page.get_by_text("Breath and cold water is moved to")
    expect(moved).to_contain_text("10:00 AM Lisbon time")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_role("heading", name="Canceled")).to_be_visible()
    expect(booked.get_by_role("link", name="See order")).to_be_visible()
    expect(page.get_by_role("link", name="Directions")).to_have_count(0)
    assert refused == []
