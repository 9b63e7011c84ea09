"""Which Stripe.js a page loads: the sandbox's in sandbox mode, Stripe's own and nothing else in real mode."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, Route

from demo.plan import Plan
from tests.browser.shopper import NUMBER, Shopper


def _hosts_of_scripts(page: Page) -> set[str]:
    """Note the host and path of every script that comes from elsewhere than the shop."""
    hosts: set[str] = set()

    def note(request: Request) -> None:
        script, shop = urlsplit(request.url), urlsplit(page.url)
        if request.resource_type == "script" and script.netloc != shop.netloc:
            hosts.add(f"{script.netloc}{script.path}")

    page.on("request", note)
    return hosts


def test_in_sandbox_mode_the_sandboxs_script_is_loaded_and_stripe_is_not_asked(
    shopper: Shopper, stack: Plan
) -> None:
    hosts = _hosts_of_scripts(shopper.page)
    shopper.chooses("Sound bath at dusk").field(NUMBER).wait_for()
    sandbox = urlsplit(stack.sandbox_url).netloc
    assert f"{sandbox}/v3/stripe.js" in hosts
    assert {name.split("/")[0] for name in hosts} == {sandbox}


def test_in_real_mode_stripes_own_script_is_loaded_and_nothing_of_the_sandbox(
    browser: Browser, stack: Plan
) -> None:
    # This stack is in sandbox mode, and so is its policy: that of real mode is tested with the pages it belongs to.
    context = browser.new_context(base_url=stack.web_url, bypass_csp=True)
    page = context.new_page()

    def as_in_real_mode(route: Route) -> None:
        changes = {"stripe_js_url": "", "sandbox": False, "publishable_key": "pk_live_of_nobody"}
        route.fulfill(json=route.fetch().json() | changes)

    shopper = Shopper(page).has_account()
    page.route("**/api/v1/payments/config/", as_in_real_mode)
    page.route("https://*.stripe.com/**", lambda route: route.abort())
    hosts = _hosts_of_scripts(page)
    page.goto("/checkout/?credits=25")
    shopper.is_told("could not be loaded")
    assert {name.split("/")[0] for name in hosts} == {"js.stripe.com"}
    assert page.evaluate("typeof window.Stripe") == "undefined"
    context.close()
