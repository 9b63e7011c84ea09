"""A browser of four years ago, one that refuses to keep anything, and one that is full."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from estuary.config.environment import BASE_DIR
from tests.browser.shopper import Shopper

FRONTEND = Path(BASE_DIR, "frontend")
NODE = Path(BASE_DIR, ".venv", "bin", "node")

# Takes away from the page, before any script runs, what `node scripts/newer.mjs` lists.
WITHOUT = """for (const path of %s) {
  const names = path.split(".");
  const last = names.pop();
  const holder = names.reduce((object, name) => object?.[name], globalThis);
  if (holder) delete holder[last];
}"""
REFUSED = """for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
  Object.defineProperty(window, name, {
    get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  });
}
Object.defineProperty(document, "cookie", {
  get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  set() { throw new DOMException("The operation is insecure.", "SecurityError"); },
});
navigator.locks.request = async () => { throw new DOMException("Not allowed.", "SecurityError"); };"""
FULL = """Storage.prototype.setItem = () => {
  throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
};"""
LOCAL_FULL = """const put = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) {
  if (this === window.localStorage) throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
  return put.call(this, key, value);
};"""
NONE = "Object.defineProperty(window, 'localStorage', { value: null });"

PAGES = [
    "/",
    "/services/?id=1",
    "/services/?id=6",
    "/sign-in/",
    "/checkout/?service=12",
    "/checkout/?credits=25",
]
OWN_PAGES = ["/bookings/", "/orders/", "/credits/", "/cards/", "/roster/", "/hours/"]


@pytest.fixture(scope="session")
def newer() -> list[str]:
    """What the browsers of `browserslist` in package.json lack, by the tables of core-js."""
    command = [str(NODE), "scripts/newer.mjs"]
    answer = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=True)
    names: list[str] = json.loads(answer.stdout)
    return names


def _is_calm(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    expect(page.get_by_text("Loading…")).to_have_count(0)
    text = page.inner_text("body")
    assert not re.search(r"\w*Error\b|is not a function|undefined|insecure|quota", text), text
    assert "stopped working" not in text


def test_the_list_of_what_is_newer_names_what_was_missed(newer: list[str]) -> None:
    assert {"Map.groupBy", "URL.parse", "Promise.withResolvers", "Array.prototype.toSorted"} <= set(newer)


def test_the_shop_sells_to_a_browser_of_four_years_ago(
    context: BrowserContext, page: Page, newer: list[str]
) -> None:
    context.add_init_script(WITHOUT % json.dumps(newer))
    shopper = Shopper(page).signs_up()
    for path in PAGES + OWN_PAGES:
        page.goto(path)
        _is_calm(page)
    shopper.chooses("Private yoga session", kind="session").types_card().saves_card().pays(
        "85.00"
    ).is_thanked()
    shopper.chooses("The reset week", kind="package").pays("230.00").is_thanked()
    for path in OWN_PAGES:
        page.goto(path)
        _is_calm(page)
    page.goto("/sign-in/?next=/credits/")
    shopper.gives_credentials(shopper.email).page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/credits/")


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("how", [REFUSED, FULL, NONE], ids=["refused", "full", "none"])
def test_without_storage_one_signs_in_and_buys_in_this_tab(
    context: BrowserContext, page: Page, how: str
) -> None:
    """Within a tab its pages are one: links lead on, and the account stays."""
    context.add_init_script(how)
    for path in PAGES:
        page.goto(path)
        _is_calm(page)
    page.goto("/checkout/?credits=25")
    shopper = Shopper(page)
    shopper.joins_by_password()
    shopper.types_card().pays("25.00").is_thanked()
    page.get_by_role("link", name="See your credits").click()
    expect(page.get_by_text("Your balance")).to_be_visible()
    _is_calm(page)
    page.get_by_role("button", name=re.compile("Your account")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.exhaustive
def test_when_only_the_lasting_storage_is_full_the_tab_stays_signed_in_when_it_is_loaded_again(
    context: BrowserContext, page: Page
) -> None:
    context.add_init_script(LOCAL_FULL)
    shopper = Shopper(page).signs_up()
    page.goto("/credits/")
    expect(page.get_by_text("Your balance")).to_be_visible()
    expect(page.get_by_role("button", name=f"Your account, {shopper.email}")).to_be_visible()


@pytest.mark.exhaustive
def test_a_full_storage_never_brings_back_the_account_before(shopper: Shopper) -> None:
    page = shopper.page
    page.add_init_script(FULL)
    page.goto("/sign-up/")
    other = Shopper(page)
    other.joins_by_password()
    expect(page.get_by_role("button", name=f"Your account, {other.email}")).to_be_visible()
    page.goto("/credits/")
    expect(
        page.get_by_role("heading", name="Sign in to go on").or_(page.get_by_text("Sign in to go on")).first
    ).to_be_visible()


@pytest.mark.exhaustive(one_in=6)
@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<html><h1>502 Bad Gateway</h1>upstream connect error", "content_type": "text/html"},
        {"body": '"TypeError: x is undefined"', "content_type": "application/json"},
        {
            "body": '{"detail": "psycopg.OperationalError: connection refused"}',
            "content_type": "application/json",
        },
        {"body": '{"errors": {"email": "KeyError"}}', "content_type": "application/json"},
        {"body": "", "content_type": "application/json"},
        {"body": "null", "content_type": "application/json"},
    ],
    ids=["html", "text", "detail of another", "errors of another shape", "empty", "null"],
)
@pytest.mark.parametrize("status", [400, 502])
def test_an_answer_of_unknown_shape_is_never_shown(page: Page, answer: dict[str, str], status: int) -> None:
    def broken(route: Route) -> None:
        route.fulfill(status=status, body=answer["body"], content_type=answer["content_type"])

    page.route("**/api/v1/services/**", broken)
    page.route("**/_allauth/**", broken)
    page.goto("/?type=nothing")  # or the page has its services with it
    expect(page.get_by_text("This could not be loaded")).to_be_visible()
    _is_calm(page)
    assert "Gateway" not in page.inner_text("body")
    page.goto("/sign-in/")
    Shopper(page).gives_credentials("who@buyer.example")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()
    _is_calm(page)


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("path", ["/?type=nothing", "/services/?id=1", "/bookings/"])
def test_a_page_that_throws_says_so_in_plain_words_with_a_way_on(
    context: BrowserContext, page: Page, path: str
) -> None:
    """Answers of a shape that no page expects make it throw while it is drawn."""
    page.route(
        re.compile("/api/v1/(services|bookings)/"),
        lambda route: route.fulfill(json={"results": [None], "slug": 1}),
    )
    if path == "/bookings/":
        Shopper(page).signs_up()
    page.goto(path)
    expect(page.get_by_text("This page has stopped working")).to_be_visible()
    expect(page.get_by_role("link", name="See your orders")).to_be_visible()
    text = page.inner_text("body")
    assert not re.search("Error|undefined|null|Cannot read", text), text
