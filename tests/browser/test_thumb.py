"""On a phone, each button, and each link that stands alone, is large enough for a thumb."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shopper import Shopper
from tests.browser.test_pages import OPEN, SIGNED_IN, _settle

THUMB = 44
# A link inside a sentence is as high as its line. The link that skips to the content shows for the keyboard alone.
TOO_SMALL = """(least) => {
  const inSentence = (link) => {
    const around = link.closest("p, dd, address");
    return around !== null && around.innerText.trim().length > link.innerText.trim().length;
  };
  return [...document.querySelectorAll("main a, header a, footer a, button, summary, select")]
    .filter((target) => target.checkVisibility() && !inSentence(target))
    .map((target) => [target.innerText.slice(0, 40), Math.round(target.getBoundingClientRect().height)])
    .filter(([, height]) => height < least);
}"""


def too_small(page: Page) -> list[list[str]]:
    expect(page.get_by_text("Loading…")).to_have_count(0)
    return [[page.url, *map(str, target)] for target in page.evaluate(TOO_SMALL, THUMB)]


@pytest.mark.exhaustive
def test_a_thumb_hits_everything_on_the_pages_for_all(page: Page) -> None:
    missed = []
    for path in OPEN:
        _settle(page, path)
        missed += too_small(page)
    assert missed == []


def test_a_thumb_hits_everything_on_the_pages_of_a_buyer(shopper: Shopper) -> None:
    page, missed = shopper.page, []
    shopper.chooses("Breath and cold water").types_card().saves_card().pays("65.00").is_thanked()
    missed += too_small(page)
    expect(shopper.bookings()).to_have_count(1)
    missed += too_small(page)
    shopper.orders().get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    missed += too_small(page)
    for path in SIGNED_IN:
        _settle(page, path)
        missed += too_small(page)
    assert missed == []
