"""Every page: accessible, no wider than a phone, and calm when there is nothing or something is wrong."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from estuary.config.environment import BASE_DIR
from tests.browser.conftest import PHONE
from tests.browser.shopper import DECLINED, Shopper

AXE = Path(BASE_DIR, "frontend", "node_modules", "axe-core", "axe.min.js")
OPEN = [
    "/",
    "/?type=course",
    "/services/?id=1",
    "/services/?id=6",
    "/services/?id=999999",
    "/sign-in/",
    "/sign-up/",
    "/reset-password/",
    "/verify-email/?key=x",
    "/checkout/?service=12",
    "/help/",
    "/contact/",
    "/terms/",
    "/privacy/",
    "/imprint/",
    "/no-such-page/",
]
SIGNED_IN = [
    "/checkout/?service=12",
    "/checkout/card/?credits=25",
    "/checkout/return/",
    "/orders/",
    "/bookings/",
    "/credits/",
    "/cards/",
    "/profile/",
    "/roster/",
    "/hours/",
    "/dates/",
]
WIDTHS = [PHONE["width"], 1200]


def _settle(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    expect(page.get_by_text("Loading…")).to_have_count(0)


def _finish_animations(page: Page) -> None:
    """A dialog that fades in has, half-way, less contrast than it ends with. What moves for ever is left out."""
    page.evaluate(
        """() => Promise.allSettled(
            document.getAnimations()
                .filter((animation) => animation.effect.getComputedTiming().endTime < Infinity)
                .map((animation) => animation.finished)
        )"""
    )


def _serious(page: Page) -> list[str]:
    _finish_animations(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    report = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {json.dumps([node['html'][:160] for node in violation['nodes']])}"
        for violation in report["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


def assert_accessible(page: Page) -> None:
    """Check the page as it is now: no wider than its window, and axe finds nothing serious."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert _serious(page) == []


def _check(page: Page, path: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": PHONE["height"]})
        _settle(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than {width}"
        assert _serious(page) == [], f"{path} at {width}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_documentation_is_drawn_without_asking_another_server(page: Page, stack: Plan, path: str) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(path)
    expect(page.get_by_text("Create a payment").locator("visible=true").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert {url for url in urls if not url.startswith((stack.web_url, "data:", "blob:"))} == set()


@pytest.mark.exhaustive(one_in=6)
@pytest.mark.parametrize("path", OPEN)
def test_a_visitor_finds_the_page_accessible(page: Page, path: str) -> None:
    _check(page, path)


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("path", SIGNED_IN)
def test_a_newcomer_finds_the_page_accessible(shopper: Shopper, path: str) -> None:
    _check(shopper.page, path)


def test_a_practitioner_finds_roster_and_hours_accessible(page: Page) -> None:
    Shopper(page).signs_in("ana@estuary.example", SEEDED)
    for path in ("/roster/", "/hours/"):
        _check(page, path)


def test_what_was_bought_is_shown_accessibly(shopper: Shopper) -> None:
    page = shopper.chooses("The reset week", kind="package").types_card().pays("230.00").is_thanked().page
    thanks = page.url
    for path in (thanks, thanks.replace("checkout/return/?order=", "orders/?id="), "/bookings/", "/cards/"):
        _check(page, path)
    page.goto("/bookings/")
    page.get_by_role("button", name="Choose a time").first.click()
    expect(page.get_by_role("dialog").get_by_role("radio").first).to_be_visible()
    assert _serious(page) == []


@pytest.mark.exhaustive
def test_a_refusal_is_shown_accessibly(shopper: Shopper) -> None:
    shopper.chooses("Sound bath at dusk").types_card(DECLINED).pays("35.00").is_told("declined")
    assert _serious(shopper.page) == []


def test_a_failing_server_is_told_in_plain_words_with_a_way_on(page: Page) -> None:
    page.route("**/api/v1/services/**", lambda route: route.abort())
    page.goto("/?type=nothing")  # or the page has its services with it
    expect(page.get_by_role("alert").filter(has_text="Check your connection")).to_be_visible()
    page.unroute("**/api/v1/services/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Private yoga session").first).to_be_visible()


@pytest.mark.exhaustive
def test_bookings_that_can_not_be_loaded_are_one_error_and_not_one_for_each_list(page: Page) -> None:
    Shopper(page).has_account()
    page.route("**/api/v1/bookings/**", lambda route: route.abort())
    page.goto("/bookings/")
    expect(page.get_by_role("alert").filter(has_text="Check your connection")).to_have_count(1)
    expect(page.get_by_role("button", name="Try again")).to_have_count(1)
    page.unroute("**/api/v1/bookings/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nothing is planned yet")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="Check your connection")).to_have_count(0)


def test_a_missing_publishable_key_is_said_clearly(shopper: Shopper) -> None:
    def without_key(route: Route) -> None:
        answer = route.fetch().json()
        changes = {
            "publishable_key": "",
            "problem": "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is not set on the server.",
        }
        route.fulfill(json=answer | changes)

    shopper.page.route("**/api/v1/payments/config/", without_key)
    shopper.page.goto("/checkout/?credits=25")
    shopper.is_told("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is not set")


@pytest.mark.exhaustive
def test_a_publishable_key_of_nobody_is_told_in_plain_words(shopper: Shopper) -> None:
    def with_another_key(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"publishable_key": "pk_test_of_nobody_at_all"})

    page = shopper.page
    page.route("**/api/v1/payments/config/", with_another_key)
    page.goto("/cards/")
    page.get_by_role("button", name="Add a card").click()
    shopper.types_card()
    page.get_by_role("button", name="Save this card").click()
    shopper.is_told("set-up with Stripe is not right")
    expect(page.get_by_text("API Key")).to_have_count(0)


def test_the_catalogue_is_there_before_any_script_has_run(browser: Browser, stack: Plan) -> None:
    context = browser.new_context(base_url=stack.web_url, viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?type=workshop")
    card = page.get_by_role("link", name=re.compile("Sound bath at dusk"))
    expect(card).to_contain_text("35.00 USD")
    expect(card).to_have_attribute("href", re.compile("^/services/"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()


def test_the_catalogue_is_drawn_from_what_its_page_brought(page: Page) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto("/")
    expect(page.get_by_role("link", name=re.compile("Sound bath at dusk"))).to_contain_text("$35.00")
    assert [url for url in urls if "/api/v1/services/" in url] == []
