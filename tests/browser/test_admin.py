"""The admin in a browser: its lists and their pages accessible, and no wider than a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from demo.plan import Plan
from demo.selfcheck.shop import PASSWORD as SEEDED
from tests.browser.conftest import PHONE, WAIT_MS
from tests.browser.test_pages import AXE

DESK = 1280
LISTS = [
    "orders/order",
    "bookings/booking",
    "bookings/reservation",
    "credits/creditaccount",
    "credits/credittransaction",
    "accounts/auditlogentry",
    "auth/group",
]


@pytest.fixture
def desk(browser: Browser, stack: Plan) -> Iterator[Page]:
    """A member of staff with all rights, signed in to the admin."""
    context = browser.new_context(base_url=stack.web_url, viewport={"width": DESK, "height": 900})
    context.set_default_timeout(WAIT_MS)
    thrown: list[str] = []
    context.on("weberror", lambda error: thrown.append(str(error.error)))
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("E-mail").fill("staff@estuary.example")
    page.get_by_label("Password").fill(SEEDED)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    assert thrown == []


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is now, of any impact."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def check(page: Page, path: str) -> None:
    for width in (PHONE["width"], DESK):
        page.set_viewport_size({"width": width, "height": PHONE["height"]})
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than {width}"
        assert violations(page) == [], f"{path} at {width}"


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_the_page_of_its_first_row_are_accessible(desk: Page, path: str) -> None:
    check(desk, f"/admin/{path}/")
    rows = desk.locator(f"#result_list a[href^='/admin/{path}/'][href*='/change/']")
    if rows.count():
        check(desk, rows.first.get_attribute("href") or "")
