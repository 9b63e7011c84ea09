"""Paying in the browser, with the cards that the guide names, until the booking is there."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.shopper import ASKS, DECLINED, MASTERCARD, Shopper, points_at, press

SOUND_BATH, PRICE = "Sound bath at dusk", "35.00"


def test_a_workshop_is_booked_with_a_new_card(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked()
    expect(shopper.bookings()).to_have_count(1)
    expect(shopper.bookings().first).to_contain_text(SOUND_BATH)


def test_a_declined_card_says_so_and_the_next_one_pays_the_same_order(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card(DECLINED).pays(PRICE).is_told("declined")
    shopper.types_card().pays(PRICE).is_thanked()
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive
def test_after_a_refusal_the_focus_is_still_on_the_button(shopper: Shopper) -> None:
    button = shopper.chooses(SOUND_BATH).types_card(DECLINED).pay_button(PRICE)
    button.press("Enter")
    shopper.is_told("declined")
    expect(button).to_be_focused()
    shopper.types_card(ASKS)
    button.press("Enter")
    shopper.answers_the_bank("Fail").is_told("Nothing was charged")
    expect(button).to_be_focused()


def test_a_card_that_asks_is_paid_once_the_bank_agrees(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card(ASKS).pays(PRICE).answers_the_bank("Complete").is_thanked()


@pytest.mark.exhaustive
def test_a_card_that_asks_is_not_charged_when_the_bank_refuses(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card(ASKS).pays(PRICE).answers_the_bank("Fail")
    shopper.is_told("Nothing was charged")
    expect(shopper.pay_button(PRICE)).to_be_enabled()


def test_the_saved_card_is_chosen_the_next_time(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card().saves_card().pays(PRICE).is_thanked()
    shopper.chooses("Cooking for your dosha")
    expect(shopper.page.get_by_role("radio", name=re.compile("Visa ending in 4242.*Default"))).to_be_checked()
    shopper.pays("40.00").is_thanked()


@pytest.mark.exhaustive
def test_a_new_card_is_taken_beside_a_saved_one(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card().saves_card().pays(PRICE).is_thanked()
    shopper.chooses("Cooking for your dosha")
    shopper.page.get_by_role("radio", name="Use a new card").check()
    shopper.types_card(MASTERCARD).pays("40.00").is_thanked()


def test_the_single_line_card_field_pays_too(shopper: Shopper) -> None:
    shopper.page.goto("/checkout/card/?credits=25.00")
    shopper.types_card().pays("25.00").is_thanked()
    shopper.page.goto("/credits/")
    expect(shopper.page.get_by_text("$25.00").first).to_be_visible()


@pytest.mark.exhaustive
def test_the_single_line_card_field_asks_the_bank_too(shopper: Shopper) -> None:
    shopper.page.goto("/checkout/card/?credits=25.00")
    shopper.types_card(DECLINED).pays("25.00").is_told("declined")
    shopper.types_card(ASKS).pays("25.00").answers_the_bank("Complete").is_thanked()


def test_only_cards_are_offered_whatever_the_dashboard_has_on(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card()
    assert not shopper.is_offered("US bank account")
    shopper.page.goto("/cards/")
    shopper.page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    assert not shopper.is_offered("US bank account")


def test_two_clicks_are_one_charge(shopper: Shopper) -> None:
    pay = shopper.chooses(SOUND_BATH).types_card().pay_button(PRICE)
    points_at(pay)
    pay.dblclick()
    shopper.is_thanked()
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive
def test_going_back_after_paying_does_not_lead_to_the_payment(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked()
    shopper.page.go_back()
    expect(shopper.page.get_by_role("heading", name=SOUND_BATH)).to_be_visible()
    expect(shopper.page).to_have_url(re.compile("/services/"))


@pytest.mark.exhaustive
def test_of_two_tabs_only_one_pays(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH)
    other = Shopper(shopper.page.context.new_page())
    other.page.goto(shopper.page.url)
    other.types_card().pays(PRICE).is_thanked()
    shopper.types_card().pays(PRICE)
    expect(shopper.page.get_by_text("You have booked this already")).to_be_visible()
    shopper.page.get_by_role("link", name="See your bookings").click()
    expect(shopper.page.get_by_role("article")).to_have_count(1)
    expect(other.orders()).to_have_count(1)


def test_of_two_tabs_with_a_time_of_ones_own_the_second_is_not_told_that_it_is_taken(
    shopper: Shopper,
) -> None:
    shopper.chooses("Private yoga", kind="session")
    other = Shopper(shopper.page.context.new_page())
    other.page.goto(shopper.page.url)
    pay = re.compile("^Pay \\$")
    press(other.types_card().page.get_by_role("button", name=pay))
    other.is_thanked()
    press(shopper.types_card().page.get_by_role("button", name=pay))
    expect(shopper.page.get_by_text("You have booked this already")).to_be_visible()
    expect(shopper.page.get_by_role("link", name="Choose another time")).to_have_count(0)
    shopper.page.get_by_role("link", name="See your bookings").click()
    expect(shopper.page.get_by_role("article")).to_have_count(1)


@pytest.mark.exhaustive
def test_a_closed_tab_does_not_lose_the_booking(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card()
    with shopper.page.expect_response(re.compile(r"/payment_intents/.+/confirm")):
        shopper.pays(PRICE)
    later = Shopper(shopper.page.context.new_page())
    shopper.page.close()
    for _ in range(20):
        later.page.goto("/bookings/")
        if later.page.get_by_role("article").count():
            break
        later.page.wait_for_timeout(500)
    expect(later.page.get_by_role("article")).to_have_count(1)


def test_credits_pay_a_part_and_the_card_the_rest(shopper: Shopper) -> None:
    shopper.buys_credits("20.00").chooses(SOUND_BATH)
    shopper.page.get_by_role("switch", name=re.compile("Use my credits")).click()
    shopper.pays("15.00").is_thanked()
    shopper.page.goto("/credits/")
    expect(shopper.page.get_by_text("$0.00").first).to_be_visible()


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["course", "package", "bundle"])
def test_what_has_no_single_time_is_booked_as_a_whole(shopper: Shopper, kind: str) -> None:
    name, price = {
        "course": ("Yoga foundations", "210.00"),
        "package": ("The reset week", "230.00"),
        "bundle": ("Ten guided meditations", "380.00"),
    }[kind]
    shopper.chooses(name, kind=kind).types_card().pays(price).is_thanked()
    expect(shopper.bookings().first).to_be_visible()
