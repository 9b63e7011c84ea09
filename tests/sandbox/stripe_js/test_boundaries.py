"""Who sees a card, who may talk to whom, and what the official types promise."""

import re

import pytest
from playwright.sync_api import Browser, Request

from stripe_sandbox import js
from tests.sandbox.stripe_js.counter import Till
from tests.sandbox.stripe_js.scripts import (
    BY_CARD,
    GOOD,
    TYPES,
)


# --- safety ----------------------------------------------------------------------------------------------------
def test_the_card_is_seen_by_the_sandbox_alone(till: Till) -> None:
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    till.page.on("request", note)
    till.begins().mounts("card", "#card").types(GOOD).call(BY_CARD, till.intent())
    assert "4242" not in till.page.content()
    assert till.page.evaluate("JSON.stringify(shop.heard).includes('4242')") is False
    with_card = [request for request in sent if "4242424242424242" in (request.post_data or "")]
    assert [request.url.startswith(till.counter.base) for request in with_card] == [True]
    assert with_card[0].frame != till.page.main_frame
    assert not [request for request in sent if "4242" in request.url]


def test_a_frame_answers_its_own_page_alone(card_till: Till, browser: Browser) -> None:
    """A page that pretends to be the shop, with the shop's frame in it, is not told anything."""
    src = card_till.page.locator("#card iframe").get_attribute("src")
    stranger = card_till.page.context.new_page()
    stranger.goto(f"{card_till.counter.base}/_sandbox/")
    stranger.evaluate(
        """src => { window.heard = []; addEventListener('message', (e) => heard.push(e.data));
          const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame);
          return new Promise((resolve) => frame.addEventListener('load', () => setTimeout(resolve, 300))); }""",
        src,
    )
    assert stranger.evaluate("heard") == []


# --- what it is measured by ------------------------------------------------------------------------------------
def test_load_stripe_finds_it_and_fetches_nothing(till: Till) -> None:
    source = TYPES / "pure.mjs"
    if not source.exists():
        pytest.skip("the storefront's packages are not installed")
    url = f"{till.counter.base}/pure.mjs"
    till.page.route(url, lambda route: route.fulfill(path=source, content_type="text/javascript"))
    warned: list[str] = []
    till.page.on("console", lambda message: warned.append(message.text))
    result = till.page.evaluate(
        """async (url) => {
          const { loadStripe } = await import(url);
          const stripe = await loadStripe('pk_test_1234567890');
          return [document.scripts.length, typeof stripe.confirmPayment];
        }""",
        url,
    )
    assert result == [1, "function"]
    assert warned == []


def test_everything_that_it_has_is_in_the_official_types(payment_till: Till) -> None:
    declared = TYPES / "stripe-js"
    if not declared.exists():
        pytest.skip("the storefront's packages are not installed")
    members = re.compile(r"^  (\w+)\(", re.M)

    def extra(file: str, has: list[str]) -> set[str]:
        return {name for name in has if name[0] != "_"} - set(members.findall((declared / file).read_text()))

    methods = "Object.getOwnPropertyNames(Object.getPrototypeOf({})).filter(name => name !== 'constructor')"
    assert extra("stripe.d.ts", payment_till.call("Object.keys(stripe)")) == set()
    # What frames and elements say to each other is not the page's.
    own = {"forget", "shared"}
    assert extra("elements-group.d.ts", payment_till.call(methods.format("elements"))) <= own
    element = payment_till.call(methods.replace("{}", "made.payment"))
    declarations = (declared / "elements" / "base.d.ts").read_text() + (
        declared / "elements" / "payment.d.ts"
    ).read_text()
    assert {name for name in element if name[0] != "_"} <= set(members.findall(declarations))


@pytest.mark.parametrize("script", js.SCRIPTS.values())
def test_modules_that_are_put_into_one_script_share_no_names(script: str) -> None:
    bundled = js.bundle(js.HERE / script)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", bundled, re.M)
    assert sorted(names) == sorted(set(names))
    assert "\nimport " not in bundled
    assert "\nexport " not in bundled
