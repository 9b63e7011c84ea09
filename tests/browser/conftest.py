"""A real browser in front of the real thing: web server, worker, database and sandbox, started once for all tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from demo.plan import Plan
from tests.browser.other_site import OtherSite, serve_other_site
from tests.browser.shopper import PATIENCE_S, Shopper
from tests.browser.stack import start_stack
from tests.chromium import open_chromium

PHONE: ViewportSize = {"width": 360, "height": 740}
WAIT_MS = PATIENCE_S * 1000


@pytest.fixture(scope="package")
def other_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherSite]:
    """Another site's server; what it serves is built by the tests that need it."""
    with serve_other_site(tmp_path_factory.mktemp("other-site")) as site:
        yield site


@pytest.fixture(scope="package")
def stack(other_site: OtherSite) -> Iterator[Plan]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESTUARY_CORS_ORIGINS", other_site.url)
        with start_stack() as plan:
            yield plan


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture
def context(browser: Browser, stack: Plan) -> Iterator[BrowserContext]:
    """A browser without a past, in Berlin, on a phone; no page may break the Content-Security-Policy or throw."""
    context = browser.new_context(
        base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id="Europe/Berlin"
    )
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    broken: list[str] = []
    context.on(
        "console",
        lambda message: broken.append(message.text) if "Content Security Policy" in message.text else None,
    )
    context.on("weberror", lambda error: broken.append(str(error.error)))
    yield context
    for page in context.pages:
        # A request of a page may still be on its way through a test's route; closing alone fails the test for it.
        page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert broken == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def shopper(page: Page) -> Shopper:
    """A newcomer with an account, signed in."""
    return Shopper(page).has_account()
