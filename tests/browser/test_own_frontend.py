"""The listings of the docs run word for word in a browser, on a page of another origin, against the product."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from demo.plan import Plan
from tests.browser.other_site import OtherSite, build_other_site
from tests.browser.shopper import ASKS, DECLINED, MASTERCARD, PASSWORD, Shopper

VISA = re.compile(r"visa ending in 4242", re.I)


@pytest.fixture(scope="module")
def site(stack: Plan, other_site: OtherSite) -> OtherSite:
    build_other_site(other_site, stack)
    return other_site


class Guest(Shopper):
    """Somebody on the other site, whose token the page has."""

    def __init__(self, page: Page, site: OtherSite) -> None:
        super().__init__(page)
        self.site = site
        answer = page.request.post(
            "/_allauth/app/v1/auth/signup", data={"email": self.email, "password": PASSWORD}
        )
        self.token = answer.json()["meta"]["access_token"]
        # Frames of the card fields run it too, and have no storage.
        page.add_init_script(f"if (window === top) sessionStorage.setItem('token', '{self.token}')")
        offers = self.reads("/api/v1/services/?type=bundle")["results"]
        self.bundle = offers[0]["id"]
        [price] = [price["amount"] for price in offers[0]["prices"] if price["currency"] == "usd"]
        self.price = price.removesuffix(".00")

    def reads(self, path: str) -> Any:
        answer = self.page.request.get(path, headers={"Authorization": f"Bearer {self.token}"})
        assert answer.ok, answer.text()
        return answer.json()

    def opens(self, name: str) -> "Guest":
        self.page.goto(f"{self.site.url}/{name}/?service={self.bundle}&amount={self.price}")
        return self

    def pays_on_the_page(self) -> "Guest":
        self.page.get_by_role("button", name=f"Pay ${self.price}", exact=True).click()
        return self

    def is_told_of_success(self) -> "Guest":
        expect(self.page.get_by_text("Payment successful!")).to_be_visible()
        return self

    def has_orders(self, *statuses: str) -> None:
        """Wait until the webhook has completed them, the newest first."""
        while [order["status"] for order in self.reads("/api/v1/orders/")["results"]] != [*statuses]:
            self.page.wait_for_timeout(200)

    def has_saved(self, *last4: str) -> None:
        def shown_cards() -> list[str]:
            return sorted(
                card["last4"] for card in self.reads("/api/v1/payments/methods/")["payment_methods"]
            )

        while shown_cards() != sorted(last4):
            self.page.wait_for_timeout(200)


@pytest.fixture
def guest(page: Page, site: OtherSite) -> Guest:
    return Guest(page, site)


def test_the_first_listing_pays_with_a_new_card(guest: Guest) -> None:
    guest.opens("basic").types_card()
    guest.pays_on_the_page().is_told_of_success().has_orders("completed")
    assert guest.reads("/api/v1/bookings/")["results"]


def test_the_first_listing_says_what_the_bank_says_and_asks_for_3_d_secure(guest: Guest) -> None:
    guest.opens("basic").types_card(DECLINED)
    guest.pays_on_the_page()
    expect(guest.page.locator(".error")).to_have_text("Your card was declined.")
    guest.types_card(ASKS)
    guest.pays_on_the_page().answers_the_bank("Complete")
    guest.is_told_of_success().has_orders("completed")


@pytest.mark.exhaustive
def test_the_second_listing_pays_with_a_saved_card_and_with_a_new_one(guest: Guest) -> None:
    guest.opens("basic").types_card()
    guest.pays_on_the_page().is_told_of_success().has_saved("4242")

    guest.opens("saved")
    expect(guest.page.get_by_label(VISA)).to_be_checked()
    expect(guest.page.get_by_text("(Default)")).to_be_visible()
    guest.pays_on_the_page().is_told_of_success().has_orders("completed", "completed")

    guest.opens("saved")
    guest.page.get_by_label("Use a new card").check()
    guest.types_card(MASTERCARD)
    guest.pays_on_the_page().is_told_of_success().has_saved("4242", "4444")


@pytest.mark.exhaustive
def test_the_third_listing_manages_saved_cards(guest: Guest) -> None:
    page = guest.page
    for number in ("4242 4242 4242 4242", MASTERCARD):
        guest.opens("basic").types_card(number)
        guest.pays_on_the_page().is_told_of_success()
    guest.has_saved("4242", "4444")

    guest.opens("methods")
    visa, mastercard = (page.get_by_role("listitem").filter(has_text=last4) for last4 in ("4242", "4444"))
    expect(visa).to_contain_text("Default")
    mastercard.get_by_role("button", name="Set as Default").click()
    expect(mastercard.get_by_text("Default", exact=True)).to_be_visible()
    expect(visa.get_by_role("button", name="Set as Default")).to_be_visible()
    visa.get_by_role("button", name="Delete").click()
    expect(visa).to_have_count(0)
    mastercard.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("You don't have any saved payment methods.")).to_be_visible()
    guest.has_saved()


def test_the_guides_module_signs_in_and_renews_the_token(page: Page, site: OtherSite) -> None:
    renewals = _count(page, "/tokens/refresh", "POST")
    page.clock.install()
    page.goto(f"{site.url}/sign-in.html")
    page.wait_for_function("window.shop")
    email = Shopper(page).email
    page.evaluate("([email, password]) => shop.signUp(email, password)", [email, PASSWORD])
    status = "async () => (await shop.request('/api/v1/orders/')).status"
    assert page.evaluate(status) == 200
    assert renewals == []

    page.clock.fast_forward("05:00")
    together = f"Promise.all([1, 2, 3].map({status}))"
    assert page.evaluate(together) == [200, 200, 200]
    assert len(renewals) == 1

    page.evaluate("() => shop.signOut()")
    assert page.evaluate("() => shop.accessToken()") is None
    assert page.evaluate(status) == 401


@pytest.mark.exhaustive
def test_the_guides_module_asks_once_more_with_a_new_token_when_one_is_refused(
    page: Page, site: OtherSite
) -> None:
    def with_a_stale_token(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["meta"]["access_token"] = "of.another.day"
        route.fulfill(response=answer, json=body)

    page.route("**/auth/signup", with_a_stale_token)
    requests = _count(page, "/api/v1/orders/", "GET")
    page.goto(f"{site.url}/sign-in.html")
    page.wait_for_function("window.shop")
    page.evaluate("([email, password]) => shop.signUp(email, password)", [Shopper(page).email, PASSWORD])
    assert page.evaluate("async () => (await shop.request('/api/v1/orders/')).status") == 200
    assert len(requests) == 2


def test_the_same_page_on_an_origin_that_is_not_listed_is_kept_out(guest: Guest) -> None:
    guest.page.goto(f"{guest.site.unlisted_url}/basic/?service={guest.bundle}&amount={guest.price}")
    guest.types_card()
    guest.pays_on_the_page()
    expect(guest.page.locator(".error")).to_have_text("Failed to fetch")
    assert guest.reads("/api/v1/orders/")["results"] == []


def _count(page: Page, path: str, method: str) -> list[str]:
    """Return a list that grows with each such request, preflights left out."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith(path) and request.method == method:
            seen.append(request.url)

    page.on("request", note)
    return seen
