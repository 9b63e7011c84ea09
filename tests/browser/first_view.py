"""``python -m tests.browser.first_view`` measures what a buyer waits for on a slow network: 400 kbit/s and 400 ms.

The catalogue's first view, the page of a service after a click on its card, and the card form after the next click.
Each is measured in a browser without a cache of its own. On a machine that is busy the figures are too large.
"""

import re
import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page, ViewportSize

from demo.plan import Plan
from tests.browser.shopper import NUMBER, Shopper
from tests.browser.stack import start_stack
from tests.chromium import open_chromium

ROUNDS = 5
BYTES_PER_S, LATENCY_MS = 400_000 // 8, 400
# A buyer looks at a page before the next click. What is loaded meanwhile is no wait.
READS_MS = 8_000
PHONE: ViewportSize = {"width": 360, "height": 740}
GOALS_S = {"catalogue": 4.0, "service": 2.0, "card form": 2.0}


FIRST_PAINT_S = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) resolve(paint.startTime / 1000);
  }).observe({ type: "paint", buffered: true });
})"""


def slow_down(page: Page) -> None:
    """Throttle the page's network as the developer tools do."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": BYTES_PER_S,
            "uploadThroughput": BYTES_PER_S,
        },
    )


def seconds_until(action: Callable[[], object], is_there: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    is_there()
    return time.perf_counter() - begin


def measure_round(browser: Browser, plan: Plan) -> dict[str, float]:
    context = browser.new_context(base_url=plan.web_url, viewport=PHONE, locale="en-US")
    context.set_default_timeout(60_000)
    page = context.new_page()
    slow_down(page)
    card = page.get_by_role("link", name=re.compile("Sound bath at dusk"))
    there_s = seconds_until(lambda: page.goto("/", wait_until="commit"), card.wait_for)
    # An element has its place before the styles are there; people see it when it is painted.
    figures = {"catalogue": max(there_s, page.evaluate(FIRST_PAINT_S))}
    shopper = Shopper(page).has_account()
    page.goto("/")
    page.wait_for_timeout(READS_MS)
    heading = page.get_by_role("heading", level=1, name=re.compile("Sound bath at dusk"))
    date = page.get_by_role("radio", disabled=False).first

    def is_there() -> None:
        heading.wait_for()
        date.wait_for()

    figures["service"] = seconds_until(card.click, is_there)
    page.wait_for_timeout(READS_MS)
    date.check()
    page.wait_for_timeout(READS_MS)
    to_payment = page.get_by_role("link", name="Continue to payment")
    figures["card form"] = seconds_until(to_payment.click, lambda: shopper.field(NUMBER).wait_for())
    context.close()
    return figures


def main() -> None:
    with start_stack() as plan, open_chromium() as browser:
        rounds = [measure_round(browser, plan) for _ in range(ROUNDS)]
    for name, goal_s in GOALS_S.items():
        figures = [each[name] for each in rounds]
        print(
            f"{name:10} median {statistics.median(figures):.1f} s, "
            f"from {min(figures):.1f} to {max(figures):.1f} s; goal {goal_s:.0f} s"
        )


if __name__ == "__main__":
    main()
