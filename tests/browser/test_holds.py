"""What is kept for a buyer is visible: until when, why it ended, and how to have it again."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.shopper import ASKS, DECLINED, Shopper

SOUND_BATH, PRICE = "Sound bath at dusk", "35.00"
KEPT = re.compile(r"^Kept for you until \d{1,2}:\d\d\s[AP]M \(1[0-5]:\d\d\)$")
CREATE = "**/api/v1/payments/create/"


def ends_soon(page: Page, *, in_s: int) -> None:
    """Let the page believe that the next order's hold is short."""

    def shorten(route: Route) -> None:
        answer = route.fetch()
        ends = datetime.now(UTC) + timedelta(seconds=in_s)
        route.fulfill(response=answer, json=answer.json() | {"expires_at": ends.isoformat()})

    page.route(CREATE, shorten, times=1)


@pytest.mark.exhaustive
def test_a_place_is_said_to_be_kept_from_the_moment_it_is(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card(ASKS).page
    expect(page.get_by_role("timer")).to_have_count(0)
    shopper.pays(PRICE)
    expect(page.get_by_role("timer")).to_have_text(KEPT)


def test_a_place_that_is_kept_is_shown_wherever_its_buyer_looks_for_it(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card(DECLINED).pays(PRICE).is_told("declined").page
    checkout = page.url
    page.goto("/bookings/")
    expect(page.get_by_role("heading", name="Not paid yet")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text(KEPT)
    page.get_by_role("link", name="Pay, or cancel it").click()
    expect(page.get_by_role("timer")).to_have_text(KEPT)
    page.goto(checkout)
    expect(page.get_by_role("timer")).to_have_text(KEPT)
    shopper.types_card().pays(PRICE).is_thanked()
    expect(shopper.bookings()).to_have_count(1)
    expect(page.get_by_role("heading", name="Not paid yet")).to_have_count(0)


def test_when_the_time_is_over_the_page_says_why_and_keeps_the_same_again(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card(DECLINED).page
    ends_soon(page, in_s=8)
    shopper.pays(PRICE).is_told("declined")
    ended = page.get_by_role("status").filter(has_text="The time to pay is over")
    expect(ended).to_contain_text("free for others again")
    # What the bank said of the order that has ended is no longer the next step.
    expect(page.get_by_text("Your card was declined")).to_have_count(0)
    page.get_by_role("button", name="Keep it for me again").press("Enter")
    expect(page.get_by_role("timer")).to_have_text(KEPT)
    expect(page.get_by_role("status").filter(has_text="kept for you again")).to_be_attached()
    expect(page.get_by_role("main")).to_be_focused()
    shopper.types_card().pays(PRICE).is_thanked()
    expect(shopper.bookings()).to_have_count(1)


@pytest.mark.exhaustive
def test_an_order_that_has_ended_is_taken_again_on_one_click(shopper: Shopper) -> None:
    shopper.chooses(SOUND_BATH).types_card(DECLINED).pays(PRICE).is_told("declined")
    page = shopper.page
    shopper.orders().get_by_role("link").first.click()
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    bodies: list[str] = []

    def keep_body(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        route.continue_()

    page.route(CREATE, keep_body, times=1)
    page.get_by_role("button", name="Take the same again").click()
    page.wait_for_url("**/checkout/?service=**")
    # The checkout goes on with this order, so its mails tell the times in the zone that was sent with it.
    assert '"time_zone":"Europe/Berlin"' in bodies[0]
    expect(page.get_by_role("timer")).to_have_text(KEPT)
    shopper.types_card().pays(PRICE).is_thanked()


@pytest.mark.exhaustive
def test_the_same_again_is_refused_in_words_when_somebody_was_faster(shopper: Shopper, stack: Plan) -> None:
    others = open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    slug = "private-yoga"
    page = shopper.chooses(others.service(slug)["name"], kind="session").types_card(DECLINED).page
    start = page.evaluate("new URLSearchParams(location.search).get('start')")
    shopper.pays(others.price(slug)).is_told("declined")
    shopper.orders().get_by_role("link").first.click()
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("button", name="Take the same again")).to_be_visible()
    others.begin_service("slot", "faster", slug, scheduling_data={"start_datetime": start})
    page.get_by_role("button", name="Take the same again").click()
    shopper.is_told("slot")
    expect(page.get_by_role("link", name="Choose another time")).to_be_visible()


def test_the_rule_of_cancelling_stands_in_the_checkout_and_on_stripes_page(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).page
    rule = page.get_by_text(re.compile("^Free to cancel until .+ before it begins"))
    expect(rule).to_be_visible()
    expect(page.get_by_text(re.compile("^Free until .+ Berlin time"))).to_be_visible()
    words = rule.inner_text().splitlines()[0].strip()
    page.get_by_role("button", name=re.compile("Stripe.s own page")).click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text(words)).to_be_visible()


@pytest.mark.exhaustive
def test_after_cancelling_the_sum_its_way_and_its_time_are_said(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked().page
    shopper.bookings()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the booking").click()
    notice = page.get_by_role("status").filter(has_text="comes back to you")
    expect(notice).to_contain_text(f"{SOUND_BATH} is canceled")
    expect(notice).to_contain_text("$35.00 comes back to you: $35.00 to your card")
    expect(notice).to_contain_text("5 to 10 business days")
    canceled = page.get_by_role("region", name="Canceled")
    expect(canceled.get_by_role("article")).to_contain_text(SOUND_BATH)
    canceled.get_by_role("link", name="See order").click()
    expect(page.get_by_text("5 to 10 business days")).to_be_visible()


FETCHING = ("/?type=nothing", "/bookings/", "/orders/?id=ord_x", "/checkout/?credits=25", "/cards/")


@pytest.mark.parametrize(
    "paths",
    [FETCHING[-2:], pytest.param(FETCHING, marks=pytest.mark.exhaustive)],
    ids=["two of them", "all"],
)
def test_with_the_server_down_a_page_never_changes_between_loading_and_an_error(
    shopper: Shopper, paths: tuple[str, ...]
) -> None:
    page = shopper.page
    page.route("**/api/v1/**", lambda route: route.fulfill(status=503, body="<html>down</html>"))
    for path in paths:
        page.goto(path)
        expect(page.get_by_role("main").get_by_role("alert").first).to_be_visible()
        page.evaluate(
            """() => {
              window.seen = [];
              const look = () => window.seen.push(document.querySelector("main").innerText.includes("Loading…"));
              new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
            }"""
        )
        page.get_by_role("button", name="Try again").first.click()
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(6_000)
        assert True not in page.evaluate("window.seen"), path
        expect(page.get_by_role("main").get_by_role("alert").first).to_be_visible()
    page.unroute("**/api/v1/**")
    page.get_by_role("button", name="Try again").click()
    expect(
        page.get_by_role("heading", name="No saved cards").or_(page.get_by_text("No saved cards"))
    ).to_be_visible()


@pytest.mark.exhaustive
def test_a_status_that_cant_be_loaded_says_so_and_goes_on_by_itself(shopper: Shopper) -> None:
    page = shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked().page
    thanks = page.url
    page.route("**/api/v1/orders/**", lambda route: route.fulfill(status=503, body="down"))
    page.goto(thanks)
    expect(page.get_by_text("can’t be reached just now")).to_be_visible()
    page.evaluate(
        """() => {
          window.gone = false;
          new MutationObserver(() => {
            if (!document.body.innerText.includes("can’t be reached just now")) window.gone = true;
          }).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    page.wait_for_timeout(8_000)
    assert page.evaluate("window.gone") is False
    page.unroute("**/api/v1/orders/**")
    shopper.is_thanked()
