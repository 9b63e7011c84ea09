"""A shop, a browser, and a till in a page of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.chromium import open_chromium
from tests.sandbox.stripe_js.counter import Counter, Till, open_counter
from tests.sandbox.stripe_js.scripts import DEFERRED


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    with open_counter() as counter:
        yield counter


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def till(page: Page, counter: Counter) -> Iterator[Till]:
    """A page that may not throw nor break its policy."""
    broken: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:  # an answer of 402, say
            broken.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: broken.append(str(error)))
    till = Till(page, counter)
    yield till
    assert broken == []
    assert page.evaluate("shop.violations") == []


@pytest.fixture
def card_till(till: Till) -> Till:
    return till.begins().mounts("card", "#card")


@pytest.fixture
def payment_till(till: Till) -> Till:
    return till.begins(**DEFERRED).mounts("payment", "#payment")
