"""Nobody is left alone: pages of help, a reference beside each error, and no button out of sight."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from demo.plan import Plan
from tests.browser.conftest import PHONE
from tests.browser.shopper import DECLINED, Shopper
from tests.browser.test_afterwards import link_mailed_to
from tests.browser.test_pages import assert_accessible

TEXTS = ["Help", "Contact", "Terms", "Privacy", "Imprint"]
# Every button and link in sight, or within reach by scrolling, must be hit by a click in its middle.
HIDDEN = """() => {
  const faults = [];
  for (const element of document.querySelectorAll("button, a[href], input, summary, [role=button]")) {
    if (element.closest(".sr-only, [inert], [aria-hidden=true]") || element.classList.contains("sr-only")) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || element.getClientRects().length === 0) continue;
    element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    const box = element.getClientRects()[0];
    const name = element.getAttribute("aria-label") || element.textContent.trim() || element.outerHTML;
    if (box.left < -1 || box.right > innerWidth + 1) faults.push(`${name}: beyond the edge`);
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const hit = document.elementFromPoint(x, y);
    const label = element.closest("label");
    const isHit = hit && (element.contains(hit) || hit.contains(element) || label?.contains(hit));
    if (!isHit) faults.push(`${name}: covered by ${hit?.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""
OPEN = [
    "/",
    "/services/?id=1",
    "/services/?id=6",
    "/services/?id=12",
    "/sign-in/",
    "/sign-up/",
    "/reset-password/",
    "/verify-email/?key=x",
    "/help/",
    "/contact/",
    "/terms/",
    "/privacy/",
    "/imprint/",
    "/no-such-page/",
]
SIGNED_IN = [
    "/checkout/?service=12",
    "/checkout/?credits=25",
    "/checkout/return/",
    "/orders/",
    "/bookings/",
    "/credits/",
    "/cards/",
    "/roster/",
    "/hours/",
]


def _has_no_hidden_button(page: Page, path: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    expect(page.get_by_text("Loading…")).to_have_count(0)
    assert page.evaluate(HIDDEN) == [], path


def _is_in_view(button: Locator) -> bool:
    """Whether a button is in sight as the page stands, without any scrolling."""
    box = button.bounding_box()
    assert box is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"] and box["x"] >= 0


@pytest.mark.exhaustive(one_in=6)
@pytest.mark.parametrize("path", OPEN)
def test_a_visitors_pages_have_no_button_out_of_sight_on_a_phone(page: Page, path: str) -> None:
    _has_no_hidden_button(page, path)


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("path", SIGNED_IN)
def test_a_buyers_pages_have_no_button_out_of_sight_on_a_phone(shopper: Shopper, path: str) -> None:
    _has_no_hidden_button(shopper.page, path)


def test_a_dialogs_buttons_are_in_sight_on_a_phone(shopper: Shopper) -> None:
    page = (
        shopper.chooses("Ten guided meditations", kind="bundle").types_card().pays("380.00").is_thanked().page
    )
    shopper.bookings()
    page.get_by_role("button", name="Choose a time").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio").first).to_be_visible()
    assert _is_in_view(dialog.get_by_role("button", name="Confirm this time"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Choose a time").first).to_be_focused()
    page.get_by_role("button", name="Cancel one").click()
    for name in ("Keep it", "Cancel the booking", "Close"):
        assert _is_in_view(dialog.get_by_role("button", name=name)), name


@pytest.mark.parametrize("name", TEXTS)
def test_the_footer_leads_to_each_page_of_text(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_role("contentinfo").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="hello@estuary.example").first).to_be_visible()


def test_an_error_has_a_reference_and_a_mail_that_carries_it(shopper: Shopper) -> None:
    page = shopper.page
    page.route("**/api/v1/payments/config/", lambda route: route.continue_())
    page.goto("/checkout/?service=12&session=999999&currency=usd")
    page.goto("/orders/?id=ord_of_nobody")
    expect(page.get_by_text("There is no such order of yours")).to_be_visible()
    page.route(
        "**/api/v1/credits/",
        lambda route: route.fulfill(
            status=500,
            headers={"X-Request-ID": "ref-4242"},
            json={"code": "internal_error", "detail": "Something went wrong. It is safe to try again."},
        ),
    )
    page.goto("/credits/")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("Reference ref-4242")
    address = alert.get_by_role("link", name="Write to us").get_attribute("href") or ""
    mail = urlsplit(address)
    query = parse_qs(mail.query)
    assert (mail.scheme, mail.path) == ("mailto", "hello@estuary.example")
    assert "ref-4242" in query["subject"][0]
    assert "Reference: ref-4242" in query["body"][0]
    assert "/credits/" in query["body"][0]


@pytest.mark.exhaustive
def test_the_servers_own_refusal_has_its_request_id(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/sign-in/")
    with page.expect_response("**/auth/login") as refused:
        shopper.gives_credentials(shopper.email, "wrong-otter-on-the-rocks")
        page.get_by_role("button", name="Sign in", exact=True).click()
    reference = refused.value.headers["x-request-id"]
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(f"Reference {reference}")


@pytest.mark.exhaustive
def test_a_declined_card_names_the_order_in_the_mail(shopper: Shopper) -> None:
    page = shopper.chooses("Sound bath at dusk").types_card(DECLINED).pays("35.00").is_told("declined").page
    alert = page.get_by_role("alert").filter(has_text="declined")
    expect(alert).to_contain_text(re.compile("Reference ord_"))
    expect(alert.get_by_role("link", name="Write to us")).to_have_attribute("href", re.compile("ord_"))


@pytest.mark.exhaustive
def test_a_link_that_was_used_leads_to_a_new_one(shopper: Shopper, stack: Plan) -> None:
    page = shopper.page
    page.goto("/reset-password/")
    page.get_by_label("E-mail").fill(shopper.email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("Look into your mail")).to_be_visible()
    link = link_mailed_to(shopper, stack)
    page.goto(link)
    page.get_by_label("New password").fill("another-otter-on-the-rocks")
    page.get_by_role("button", name="Set the new password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    for used in (link, "/reset-password/?key=nobody-has-this"):
        page.goto(used)
        expect(page.get_by_text("This link was used already, or is too old")).to_be_visible()
        page.get_by_label("E-mail").fill(shopper.email)
        page.get_by_role("button", name="Send me a link").click()
        expect(page.get_by_text("Look into your mail")).to_be_visible()


@pytest.mark.exhaustive
def test_the_reference_of_errors_says_what_to_do_on_a_phone(page: Page) -> None:
    page.goto("/docs/errors/#sold_out")
    expect(page.locator("#sold_out").get_by_text("Choose another")).to_be_in_viewport()
    assert_accessible(page)
