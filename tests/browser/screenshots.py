"""``python -m tests.browser.screenshots`` takes the pictures that the documentation shows."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from estuary.config.environment import BASE_DIR
from tests.browser.shopper import Shopper
from tests.browser.stack import start_stack
from tests.chromium import open_chromium

FOLDER = Path(BASE_DIR, "docs", "images")
DESK: ViewportSize = {"width": 1200, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with start_stack() as plan, open_chromium() as chromium:
        page = chromium.new_page(
            base_url=plan.web_url, viewport=DESK, locale="en-US", timezone_id="Europe/Berlin"
        )
        page.goto("/")
        take(page, "storefront")
        page.set_viewport_size(PHONE)
        shopper = Shopper(page).signs_up().chooses("Sound bath at dusk").types_card()
        take(page, "checkout-on-a-phone")
        shopper.pays("35.00").is_thanked()
        take(page, "booked-on-a-phone")


if __name__ == "__main__":
    main()
