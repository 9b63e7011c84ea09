"""The same bought a second time, in another tab or by a late click: the buyer is asked first, or shown the order."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.shopper import DECLINED, Shopper, press
from tests.browser.test_unknown_outcome import CONFIRM, CREATE, ELSEWHERE


@pytest.mark.exhaustive
def test_an_equal_second_purchase_is_asked_about_first(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/checkout/?credits=25")
    left_open = Shopper(page.context.new_page())
    left_open.page.goto("/checkout/?credits=25.00")
    shopper.types_card().pays("25.00").is_thanked()
    left_open.types_card().saves_card().pays("25.00")
    question = left_open.page.get_by_text("You bought this a minute ago. Once more?")
    expect(question).to_be_visible()
    expect(left_open.page.get_by_role("link", name="See the order you have")).to_be_visible()
    expect(shopper.orders()).to_have_count(1)
    left_open.page.get_by_role("button", name="Buy it once more").click()
    left_open.is_thanked()
    expect(shopper.orders()).to_have_count(2)
    page.goto("/checkout/?credits=30")
    shopper.pays("30.00").is_thanked()


@pytest.mark.exhaustive
def test_an_equal_second_purchase_on_the_hosted_page_is_asked_about_too(shopper: Shopper) -> None:
    page = shopper.buys_credits("25.00").page
    page.goto("/checkout/?credits=25")
    press(page.get_by_role("button", name=ELSEWHERE))
    expect(page.get_by_text("You bought this a minute ago. Once more?")).to_be_visible()
    page.get_by_role("button", name="Buy it once more").click()
    page.wait_for_url("**/c/pay/**")


@pytest.mark.exhaustive
def test_the_servers_own_question_is_asked_in_the_same_words(shopper: Shopper) -> None:
    page, bodies = shopper.page, list[str]()
    bought_at = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()
    refusal = {"code": "bought_just_now", "detail": "…", "order_id": "ord_x", "bought_at": bought_at}

    def refuse_once(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        if len(bodies) == 1:
            return route.fulfill(status=409, json=refusal, content_type="application/problem+json")
        return route.continue_()

    page.route(CREATE, refuse_once)
    page.goto("/checkout/?credits=25")
    shopper.types_card().pays("25.00")
    expect(page.get_by_text(re.compile("You bought this . minutes ago. Once more?"))).to_be_visible()
    page.get_by_role("button", name="Buy it once more").click()
    page.wait_for_timeout(100)
    expect(page.get_by_text("Once more?")).to_have_count(0)
    assert '"again":"ord_x"' in bodies[1]


@pytest.mark.exhaustive
def test_a_tab_whose_purchase_another_tab_has_paid_for_shows_its_order(shopper: Shopper) -> None:
    paying, left_open = shopper.chooses("Sound bath at dusk"), Shopper(shopper.page.context.new_page())
    left_open.page.goto(shopper.page.url)
    left_open.types_card()
    order_id = paying.types_card().pays("35.00").is_thanked().page.url.partition("order=")[2]
    left_open.page.route(CREATE, lambda route: _answer_already_paid(route, order_id))
    left_open.pays("35.00").is_thanked()
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive
def test_an_order_for_another_purchase_that_is_paid_does_not_stand_for_this_one(shopper: Shopper) -> None:
    shopper.chooses("Sound bath at dusk").types_card().saves_card().pays("35.00").is_thanked()
    page, order_id = shopper.page, shopper.page.url.partition("order=")[2]
    page.route(CREATE, lambda route: _answer_already_paid(route, order_id))
    page.goto("/checkout/?credits=25")
    shopper.pays("25.00")
    expect(page.get_by_text("Your earlier order is paid")).to_be_visible()
    expect(page.get_by_role("link", name="See your order", exact=True)).to_have_attribute(
        "href", re.compile(order_id)
    )
    page.unroute(CREATE)
    shopper.pays("25.00").is_thanked()
    expect(shopper.orders()).to_have_count(2)


def _answer_already_paid(route: Route, order_id: str) -> None:
    refusal = {"code": "already_paid", "detail": "This is already paid.", "order_id": order_id}
    route.fulfill(status=409, json=refusal, content_type="application/problem+json")


def test_two_tabs_that_pay_at_once_pay_once(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/checkout/?credits=25")
    other = Shopper(page.context.new_page())
    other.page.goto("/checkout/?credits=25")
    shopper.types_card()
    other.types_card()
    click = "[...document.querySelectorAll('button')].find(b => b.textContent === 'Pay $25.00').click()"
    page.evaluate(click)
    other.page.evaluate(click)
    done = re.compile("Thank you|Once more")
    expect(page.get_by_text(done).first).to_be_visible()
    expect(other.page.get_by_text(done).first).to_be_visible()
    expect(shopper.orders()).to_have_count(1)
    expect(page.get_by_role("listitem").filter(has_text="Paid")).to_have_count(1)
    page.goto("/credits/")
    expect(page.get_by_text("Bought", exact=True)).to_have_count(1)


@pytest.mark.parametrize("way", ["the form", pytest.param("the hosted page", marks=pytest.mark.exhaustive)])
def test_a_purchase_that_is_paid_between_the_second_tabs_look_and_its_order_is_asked_about(
    shopper: Shopper, way: str
) -> None:
    other = Shopper(shopper.page.context.new_page())
    page, late = shopper.page, other.page
    confirmations = _hold_next(page, CONFIRM)
    page.goto("/checkout/?credits=25")
    late.goto("/checkout/?credits=25")
    other.types_card()
    shopper.types_card().pays("25.00")
    _wait_for(page, confirmations)
    creations = _hold_next(late, CREATE)
    if way == "the form":
        other.pays("25.00")
    else:
        press(late.get_by_role("button", name=ELSEWHERE))
    _wait_for(late, creations)
    confirmations[0].continue_()
    shopper.is_thanked()
    creations[0].continue_()
    expect(late.get_by_text("You bought this a minute ago. Once more?")).to_be_visible()
    # Another click on Pay is no answer to the question.
    if way == "the form":
        other.pays("25.00")
        expect(late.get_by_text("You bought this a minute ago. Once more?")).to_be_visible()
    page.goto("/credits/")
    expect(page.get_by_text("Bought", exact=True)).to_have_count(1)
    press(late.get_by_role("button", name="Buy it once more"))
    if way == "the form":
        other.is_thanked()
        expect(shopper.orders()).to_have_count(2)
    else:
        late.wait_for_url("**/c/pay/**")


def _hold_next(page: Page, address: str | re.Pattern[str]) -> list[Route]:
    """Return a list that gets the page's next request of an address, which then waits for its test."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(address, hold, times=1)
    return held


def _wait_for(page: Page, routes: list[Route]) -> None:
    while not routes:
        page.wait_for_timeout(50)


@pytest.mark.exhaustive
def test_who_confirmed_a_second_purchase_is_not_asked_again_after_a_decline(shopper: Shopper) -> None:
    page = shopper.buys_credits("25.00").page
    page.goto("/checkout/?credits=25")
    page.get_by_role("radio", name="Use a new card").check()
    shopper.types_card(DECLINED).pays("25.00")
    press(page.get_by_role("button", name="Buy it once more"))
    shopper.is_told("declined")
    shopper.types_card().pays("25.00").is_thanked()
    expect(shopper.orders()).to_have_count(2)
