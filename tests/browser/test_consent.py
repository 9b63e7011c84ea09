"""A card is saved only when its owner says so, in words that stay with the card."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.shopper import Shopper


def _note_payments(page: Page) -> list[dict[str, object]]:
    """Return a list to which the body of each payment request is added."""
    bodies: list[dict[str, object]] = []

    def note(route: Route) -> None:
        bodies.append(json.loads(route.request.post_data or "{}"))
        route.continue_()

    page.route("**/api/v1/payments/create/", note)
    return bodies


def test_the_box_is_not_ticked_and_the_storefront_says_so_each_time(shopper: Shopper) -> None:
    page, sent = shopper.page, _note_payments(shopper.page)
    shopper.chooses("Sound bath at dusk").types_card()
    expect(page.get_by_role("switch", name=re.compile("^Save this card"))).not_to_be_checked()
    shopper.pays("35.00").is_thanked()
    [body] = sent
    assert body["save_payment_method"] is False
    assert "consent_wording" not in body
    page.goto("/cards/")
    expect(page.get_by_text("No saved cards")).to_be_visible()


def test_a_ticked_box_saves_the_card_with_the_sentence_beside_it(shopper: Shopper) -> None:
    page, sent = shopper.page, _note_payments(shopper.page)
    shopper.chooses("Sound bath at dusk").types_card().saves_card()
    sentence = page.get_by_text(re.compile("^Save this card for")).inner_text()
    # Stripe's own sentence allows more than the buyer agrees to here.
    assert not shopper.is_offered("to charge your card for future payments")
    shopper.pays("35.00").is_thanked()
    [body] = sent
    assert (body["save_payment_method"], body["consent_wording"]) == (True, "save-card-1")
    page.goto("/cards/")
    page.get_by_text("What you agreed to").click()
    expect(page.get_by_text(sentence)).to_be_visible()


@pytest.mark.exhaustive
def test_the_hosted_page_saves_no_card_unasked(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").page
    page.get_by_role("button", name=re.compile("Stripe.s own page")).click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("Your card will be saved")).to_have_count(0)
    shopper.types_card().page.get_by_role("button", name=re.compile("^Pay")).click()
    shopper.is_thanked()
    page.goto("/cards/")
    expect(page.get_by_text("No saved cards")).to_be_visible()


@pytest.mark.exhaustive
def test_a_box_that_was_ticked_for_a_new_card_counts_for_no_other_way_to_pay(shopper: Shopper) -> None:
    shopper.chooses("Sound bath at dusk").types_card().saves_card().pays("35.00").is_thanked()
    page, sent = shopper.chooses("Cooking for your dosha").page, _note_payments(shopper.page)
    page.get_by_role("radio", name="Use a new card").check()
    shopper.saves_card()
    page.get_by_role("radio", name=re.compile("Visa ending in 4242")).check()
    page.get_by_role("button", name=re.compile("Stripe.s own page")).click()
    page.wait_for_url("**/c/pay/**")
    [body] = sent
    assert body["save_payment_method"] is False
    assert "consent_wording" not in body


@pytest.mark.exhaustive
def test_a_card_that_is_added_shows_the_sentence_first(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/cards/")
    page.get_by_role("button", name="Add a card").click()
    expect(page.get_by_text(re.compile("^Save this card for my next purchases"))).to_be_visible()
    shopper.types_card()
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_text("What you agreed to")).to_be_visible()
