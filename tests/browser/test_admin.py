"""The admin in a browser: every list, form and page accessible, without errors, and no wider than a phone."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib import admin
from playwright.sync_api import Browser, Locator, Page

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from demo.selfcheck.shop import open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE, WAIT_MS
from tests.browser.test_pages import AXE

BUYER, WORKSHOP = "desk", "sound-bath-at-dusk"
WIDTHS = (PHONE["width"], 1200)
LISTS = sorted(f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry)
# Each kind of page, for every run of the tests.
OFTEN = ["catalog/service", "accounts/practitioner", "orders/order"]
PAGES = ["", "checkup/", "attendees/", "exports/", "mails/", "password_change/"]
# Of the links on those pages: pages of one row, and pages on which something is done.
DEEPER = re.compile(
    r"^/admin/(?:buyers/|attendees/\d|mails/\?|payments/datechange/|orders/order/\d+/(?!change|history|delete)|"
    r".*/(?:adjust|give|replay|password)/)"
)
# A service has its inlines by type.
ROWS_OF = {"catalog/service": 12, "orders/order": 4}


@pytest.fixture(scope="module")
def busy(stack: Plan) -> Plan:
    """The shop with a buyer who has a row of most kinds: two paid orders, a refund, a dispute, a fraud warning."""
    shop = open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    credits = shop.begin("credits", BUYER, is_credit_purchase=True, amount="25.00", payment_type="intent")
    seat = {"service_session_id": shop.next_session(WORKSHOP)}
    workshop = shop.begin_service("workshop", BUYER, WORKSHOP, scheduling_data=seat)
    for purchase in (credits, workshop):
        shop.pay(purchase)
    refund = f"/api/v1/orders/{workshop.order_id}/refunds/"
    shop.person("staff").post(refund, amount="5.00", reason="The room was cold.")
    for verb, purchase in (("dispute", credits), ("warn_of_fraud", workshop)):
        url = f"{stack.sandbox_url}/_sandbox/{verb}"
        answer = httpx.post(url, json={"intent_id": purchase.payment_intent}, trust_env=False, timeout=15)
        answer.raise_for_status()
    return stack


@pytest.fixture
def desk(browser: Browser, stack: Plan) -> Iterator[Page]:
    """A member of staff with all rights, signed in to the admin."""
    context = browser.new_context(
        base_url=stack.web_url, viewport={"width": WIDTHS[-1], "height": PHONE["height"]}
    )
    context.set_default_timeout(WAIT_MS)
    thrown: list[str] = []
    context.on("weberror", lambda error: thrown.append(f"{error.error} on {error.page and error.page.url}"))
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("E-mail").fill("staff@estuary.example")
    page.get_by_label("Password").fill(SEEDED)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path == "/admin/")
    yield page
    context.close()
    assert thrown == []


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is now, of any impact. The size of targets it does not check by itself."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = "{ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }"
    report: Any = page.evaluate(f"() => axe.run({options})")
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in report["violations"]
        for node in violation["nodes"]
    ]


def check(page: Page, path: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": PHONE["height"]})
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        assert "/login/" not in page.url, path
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than {width}"
        assert violations(page) == [], f"{path} at {width}"


def links_of(page: Page) -> list[str]:
    links: list[str] = page.eval_on_selector_all(
        "a[href^='/admin/'], a[href^='?kind=']", "links => links.map((link) => link.pathname + link.search)"
    )
    return links


def pages_of_list(page: Page, path: str) -> list[str]:
    """Return a list, its form for a new row, some of its rows and their history."""
    at = f"/admin/{path}/"
    page.goto(at)
    links = links_of(page)
    rows = [link.partition("?")[0] for link in links if re.fullmatch(rf"{at}\d+/change/.*", link)]
    rows = list(dict.fromkeys(rows))[: ROWS_OF.get(path, 1)]
    add = [f"{at}add/"] * any(link.startswith(f"{at}add/") for link in links)
    return [at, *add, *rows, *(row.replace("/change/", "/history/") for row in rows[:1])]


def check_with_what_it_leads_to(page: Page, paths: list[str]) -> None:
    """Check pages, and one of each kind of page to which they lead."""
    waiting, kinds = list(paths), set[str]()
    for path in waiting:
        check(page, path)
        for link in links_of(page):
            kind = re.sub(r"\d+|(?<=kind=).*", "N", link)
            if DEEPER.match(link) and kind not in kinds and link not in waiting:
                kinds.add(kind)
                waiting.append(link)


@pytest.mark.parametrize("path", OFTEN)
def test_the_pages_with_most_fields_and_tables_are_accessible(busy: Plan, desk: Page, path: str) -> None:
    for page in pages_of_list(desk, path)[:3]:
        check(desk, page)


@pytest.mark.exhaustive(one_in=24)
@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_all_its_pages_are_accessible(busy: Plan, desk: Page, path: str) -> None:
    check_with_what_it_leads_to(desk, pages_of_list(desk, path))


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_its_own_and_where_it_leads_is_accessible(busy: Plan, desk: Page, path: str) -> None:
    check_with_what_it_leads_to(desk, [f"/admin/{path}"])


@pytest.mark.exhaustive
def test_each_sample_of_a_mail_is_accessible(busy: Plan, desk: Page) -> None:
    check(desk, "/admin/mails/")
    samples = sorted({link for link in links_of(desk) if "?kind=" in link})
    assert len(samples) > 20
    for path in samples:
        check(desk, path)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_cards_of_an_order_show_their_values_whole(busy: Plan, desk: Page, width: int) -> None:
    [_, *pages] = pages_of_list(desk, "orders/order")
    desk.set_viewport_size({"width": width, "height": PHONE["height"]})
    for path in [page for page in pages if page.endswith("/change/")]:
        desk.goto(path)
        assert desk.locator("dl dd").count() > 15
        clipped = desk.locator("dl dd").evaluate_all(
            """(values) => values.filter((value) => value.scrollWidth > value.clientWidth
                || value.getBoundingClientRect().right
                    > value.closest(".overflow-hidden").getBoundingClientRect().right - 16)
                .map((value) => value.textContent)"""
        )
        assert clipped == [], path


def test_on_a_phone_a_guest_s_name_payment_and_all_else_are_in_view(busy: Plan, desk: Page) -> None:
    shop = open_shop(busy.web_url, busy.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    desk.set_viewport_size(PHONE)
    desk.goto(f"/admin/attendees/{shop.next_session(WORKSHOP)}/")
    cells = desk.get_by_role("table").get_by_role("cell")
    assert cells.count() >= 6 and cells.nth(1).inner_text() == "partly refunded"
    boxes = [cells.nth(number).bounding_box() for number in range(6)]
    assert all(box and box["x"] + box["width"] <= PHONE["width"] for box in boxes), boxes
    assert boxes[0] and boxes[1] and boxes[0]["y"] == pytest.approx(boxes[1]["y"], abs=2)
    assert violations(desk) == []


def test_the_keyboard_s_place_is_seen_on_a_switch_and_on_the_search_s_button(busy: Plan, desk: Page) -> None:
    orders = [page for page in pages_of_list(desk, "orders/order") if page.endswith("/change/")]
    switch = desk.get_by_label("Cancel what is refunded")
    for order in orders:
        desk.goto(order.replace("/change/", "/refund"))
        # An order that is disputed has nothing to refund.
        if switch.count():
            break
    assert focused_by_keyboard(desk, switch)
    desk.goto("/admin/orders/order/")
    assert focused_by_keyboard(desk, desk.locator("#searchbar-submit"))


def focused_by_keyboard(page: Page, field: Locator) -> bool:
    """Press Tab until the field has the focus, and return whether it has an outline then."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            break
    outline = field.evaluate(
        "field => [getComputedStyle(field).outlineStyle, getComputedStyle(field).outlineWidth]"
    )
    return bool(outline == ["solid", "2px"])


def test_on_a_phone_all_of_a_preview_of_calling_off_is_in_view(busy: Plan, desk: Page) -> None:
    shop = open_shop(busy.web_url, busy.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    desk.set_viewport_size(PHONE)
    desk.goto(f"/admin/payments/datechange/session/{shop.next_session(WORKSHOP)}/call-off/")
    preview = desk.get_by_role("main")
    for words in ("1 date goes off sale", "the way it was paid", "goes back"):
        box = preview.get_by_text(words).last.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], (words, box)
    assert preview.locator("li p").evaluate_all(
        "all => all.every((one) => one.getBoundingClientRect().right <= innerWidth)"
    )
    assert violations(desk) == []
