"""What comes between choosing and paying: somebody faster, or a session that is over."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import Shop, open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.shopper import Shopper


def _others(stack: Plan) -> Shop:
    """Other buyers, who need no browser."""
    return open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])


def test_the_last_seat_goes_to_somebody_faster_and_nothing_is_charged(shopper: Shopper, stack: Plan) -> None:
    others, slug = _others(stack), "desk-workers-back"
    date = others.next_session(slug)
    left = others.estuary.seats_left(others.service(slug)["id"], date)
    shopper.chooses(others.service(slug)["name"]).types_card()
    for number in range(left):
        scheduling = {"service_session_id": date}
        others.begin_service(f"seat {number}", f"rival{number}", slug, scheduling_data=scheduling)
    shopper.pays(others.price(slug)).is_told("seat")
    shopper.page.get_by_role("link", name="Choose another time").click()
    expect(shopper.page.get_by_text("Sold out").first).to_be_visible()
    expect(shopper.page.get_by_role("radio").first).to_be_disabled()


def test_a_slot_that_is_taken_is_chosen_anew(shopper: Shopper, stack: Plan) -> None:
    others, slug = _others(stack), "private-yoga"
    name, price = others.service(slug)["name"], others.price(slug)
    page = shopper.chooses(name, kind="session").types_card().page
    start = page.evaluate("new URLSearchParams(location.search).get('start')")
    others.begin_service("slot", "rival", slug, scheduling_data={"start_datetime": start})
    shopper.pays(price).is_told("slot")
    page.get_by_role("link", name="Choose another time").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("link", name="Continue to payment").click()
    shopper.types_card().pays(price).is_thanked()


def _ends_everywhere(page: Page) -> None:
    """End the session on the server, and leave the browser to find out."""
    status = page.evaluate(
        """async () => {
          const { session } = JSON.parse(localStorage.getItem("estuary.session"));
          const headers = { "X-Session-Token": session };
          return (await fetch("/_allauth/app/v1/auth/session", { method: "DELETE", headers })).status;
        }"""
    )
    assert status == 401  # as allauth tells that nobody is signed in any more


def test_a_session_that_is_over_asks_to_sign_in_and_keeps_what_was_chosen(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card().page
    address = page.url
    _ends_everywhere(page)
    shopper.pays("35.00")
    expect(page.get_by_role("heading", name="Sign in to go on")).to_be_visible()
    expect(page.get_by_role("heading", name="Sound bath at dusk")).to_be_visible()
    shopper.gives_credentials(shopper.email).page.get_by_role("button", name="Sign in", exact=True).click()
    assert page.url == address
    shopper.types_card().pays("35.00").is_thanked()
    expect(shopper.bookings()).to_have_count(1)


def test_a_page_of_ones_own_asks_to_sign_in_and_leads_back(shopper: Shopper) -> None:
    page = shopper.page
    _ends_everywhere(page)
    page.goto("/credits/")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    shopper.gives_credentials(shopper.email).page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/credits/")
    expect(page.get_by_text("Your balance")).to_be_visible()


@pytest.mark.exhaustive
def test_another_account_in_another_tab_stays_signed_in(shopper: Shopper) -> None:
    """A tab that renews the tokens of one account must not sign out the next one."""
    page = shopper.page
    page.goto("/orders/")
    other = Shopper(page.context.new_page()).signs_up()
    page.bring_to_front()
    page.goto("/orders/")
    expect(page.get_by_role("button", name=f"Your account, {other.email}")).to_be_visible()
    other.page.goto("/orders/")
    expect(other.page.get_by_role("button", name=f"Your account, {other.email}")).to_be_visible()


@pytest.mark.exhaustive
def test_a_reload_while_the_token_is_renewed_signs_nobody_out(shopper: Shopper) -> None:
    page = shopper.page
    lost: list[str] = []

    def lose_once(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.request.url)
        route.fetch()  # the server answers, to a page that is gone
        return route.abort()

    page.route("**/tokens/refresh", lose_once)
    page.goto("/credits/")
    page.goto("/credits/")
    expect(page.get_by_text("Your balance")).to_be_visible()
    assert len(lost) == 1


@pytest.mark.exhaustive
def test_who_is_refused_a_new_account_stays_signed_in_with_the_old_one(shopper: Shopper) -> None:
    page = shopper.page
    page.route("**/auth/signup", lambda route: route.fulfill(status=429, json={"status": 429}))
    page.goto("/sign-up/")
    shopper.joins_by_password("another@buyer.example")
    shopper.is_told("Too many tries from here. Wait a few minutes")
    page.goto("/credits/")
    expect(page.get_by_role("button", name=f"Your account, {shopper.email}")).to_be_visible()
    expect(page.get_by_text("Your balance")).to_be_visible()


@pytest.mark.exhaustive
def test_a_new_account_ends_the_session_of_the_old_one(shopper: Shopper) -> None:
    page = shopper.page
    before = page.evaluate("JSON.parse(localStorage.getItem('estuary.session')).session")
    Shopper(page).signs_up()
    status = page.evaluate(
        """async (session) => (await fetch("/_allauth/app/v1/auth/session", {
          headers: { "X-Session-Token": session },
        })).status""",
        before,
    )
    assert status == 410  # gone, as allauth says of a session that was ended


@pytest.mark.exhaustive(one_in=7)
@pytest.mark.parametrize(
    "next",
    [
        "/%09/example.org/",
        "//example.org",
        "/%5Cexample.org",
        "https://example.org",
        "/.//example.org",
        "/%252e//example.org",
        "/a/..//example.org",
    ],
)
def test_signing_in_never_leads_to_another_site(shopper: Shopper, next: str) -> None:
    page = shopper.page
    here = urlsplit(page.url).netloc
    page.evaluate("localStorage.removeItem('estuary.session')")
    page.goto(f"/sign-in/?next={next}")
    shopper.gives_credentials(shopper.email).page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: not urlsplit(url).path.startswith("/sign-in"))
    assert urlsplit(page.url).netloc == here
    expect(page.get_by_role("button", name=f"Your account, {shopper.email}")).to_be_visible()


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("query", ["service=999999", "service=x", "credits=lots", ""])
def test_a_checkout_of_nothing_says_so_and_leads_on(page: Page, query: str) -> None:
    page.goto(f"/checkout/?{query}")
    expect(page.get_by_text("There is nothing to pay for here")).to_be_visible()
    page.get_by_role("link", name="See what is offered").click()
    page.wait_for_url("/")


@pytest.mark.exhaustive
def test_a_checkout_without_a_time_that_can_be_asks_for_one(shopper: Shopper) -> None:
    page = shopper.chooses("Private yoga session", kind="session").page
    service = page.evaluate("new URLSearchParams(location.search).get('service')")
    for start in ("", "&start=garbage", "&start=2020-01-01T10:00:00Z"):
        page.goto(f"/checkout/?service={service}{start}")
        expect(page.get_by_text("Choose a time first")).to_be_visible()
    page.get_by_role("link", name="See the times").click()
    page.wait_for_url(f"**/services/?id={service}")


def test_less_than_a_card_can_be_charged_is_refused_before_a_card_is_asked_for(page: Page) -> None:
    page.goto("/checkout/?credits=0.10")
    expect(page.get_by_text("$0.50 is the least")).to_be_visible()


@pytest.mark.exhaustive
def test_the_status_of_an_order_of_another_account_says_so_and_leads_on(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/checkout/return/?order=ord_of_nobody")
    expect(page.get_by_text("There is no such order of yours")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    page.get_by_role("link", name="See your orders").click()
    page.wait_for_url("**/orders/")


@pytest.mark.exhaustive
def test_a_link_that_confirms_no_address_any_more_leads_to_a_new_one(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/verify-email/?key=used-long-ago")
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_role("link", name="have a new link mailed").click()
    page.wait_for_url("**/profile/")
    expect(page.get_by_role("button", name="Mail me the link to confirm it")).to_be_visible()
