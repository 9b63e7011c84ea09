"""A shop's counter in a real browser: the sandbox on one origin, a page with a strict policy on another."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from playwright.sync_api import FrameLocator, Locator, Page

from stripe_sandbox import Sandbox, running
from stripe_sandbox.inprocess import client

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop</title><link rel="stylesheet" href="/shop.css"><script src="{script}"></script></head>
<body><main><form id="form"><div id="card" class="box"></div><div id="expiry" class="box"></div>
<div id="cvc" class="box"></div><div id="payment"></div><button>Pay</button></form></main></body></html>"""
STYLE = """body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #17302f; background: #f7f6f2; }
main { max-width: 30rem; margin: 0 auto; padding: 16px; } form { display: grid; gap: 16px; }
.box:empty, #payment:empty { display: none; }
.box { padding: 14px; background: #fff; border: 1px solid #b9c4c1; border-radius: 12px; }
.StripeElement--focus { border-color: #17615e; } .StripeElement--invalid { border-color: #9a3b1f; }
button { font: inherit; padding: 12px; border: 0; border-radius: 12px; background: #17615e; color: #fff; }"""


@dataclass
class Counter:
    """Where the shop is, and the sandbox behind it."""

    url: str
    base: str
    sandbox: Sandbox


@contextmanager
def open_counter() -> Iterator[Counter]:
    """Serve a sandbox and, on another port and so from another origin, the shop's page."""
    with running() as sandbox:
        base = sandbox.url
        policy = (
            f"default-src 'none'; script-src {base}; frame-src {base}; connect-src {base}; style-src 'self'"
        )
        shop = ThreadingHTTPServer(
            ("127.0.0.1", 0), _shop(PAGE.format(script=f"{base}/v3/stripe.js"), policy)
        )
        threading.Thread(target=shop.serve_forever, daemon=True).start()
        yield Counter(f"http://127.0.0.1:{shop.server_address[1]}/", base, sandbox)
        shop.shutdown()
        shop.server_close()


def _shop(page: str, policy: str) -> type[BaseHTTPRequestHandler]:
    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            style = self.path == "/shop.css"
            body = (STYLE if style else page).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/css" if style else "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output clean."""

    return Shop


class Till:
    """The shop's page as a test drives it: what the shop's script does, what the buyer does, what was heard."""

    def __init__(self, page: Page, counter: Counter) -> None:
        self.page, self.counter = page, counter
        self.api = client(counter.sandbox, max_network_retries=0)
        page.add_init_script(SHOP_SCRIPT)
        page.goto(counter.url)

    # --- the shop's script ---------------------------------------------------------------------------------
    def begins(self, **options: Any) -> Self:
        """Make a group of elements."""
        self.page.evaluate("given => shop.begin(given)", options)
        return self

    def mounts(self, kind: str, where: str, **options: Any) -> Self:
        """Mount an element and wait until it is ready."""
        self.page.evaluate("given => shop.mount(...given)", [kind, where, options])
        return self

    def call(self, script: str, argument: Any = None) -> Any:
        """Run a line of the shop's script and return what it resolves to, or throws."""
        return self.page.evaluate(
            f"argument => shop.run(async ({{ stripe, elements, made }}) => {script})", argument
        )

    def starts(self, script: str, argument: Any = None) -> Self:
        """Run a line that the buyer has to end; `ended` waits for its result."""
        self.page.evaluate(
            f"argument => {{ shop.last = shop.run(async ({{ stripe, elements, made }}) => {script}) }}",
            argument,
        )
        return self

    def ended(self) -> Any:
        return self.page.evaluate("shop.last")

    def heard(self, event: str) -> list[dict[str, Any]]:
        """Return what the elements told the shop."""
        heard: list[dict[str, Any]] = self.page.evaluate("event => shop.heard[event] ?? []", event)
        return heard

    def intent(self, **params: Any) -> str:
        """Return the client secret of a new payment, as the shop's server makes it."""
        created = self.api.v1.payment_intents.create({"amount": 3500, "currency": "usd", **params})  # type: ignore[typeddict-item]
        assert created.client_secret
        return created.client_secret

    def setup(self) -> str:
        created = self.api.v1.setup_intents.create({})
        assert created.client_secret
        return created.client_secret

    # --- the buyer -------------------------------------------------------------------------------------------
    def field(self, name: str) -> Locator:
        """Find a field by its label, in whichever frame it is."""
        for frame in self.page.frames:
            textbox = frame.get_by_role("textbox", name=name)
            if textbox.count():
                return textbox
        raise AssertionError(f"There is no field {name}.")

    def types(self, number: str, expiry: str = "12 / 34", cvc: str = "123") -> Self:
        self.field("Card number").fill(number)
        self.field("Expiration").fill(expiry)
        self.field("Security code").fill(cvc)
        return self

    def bank(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='3-D Secure']")


SHOP_SCRIPT = """
window.shop = {
  heard: {}, made: {}, violations: [],
  begin(options) {
    this.stripe = Stripe("pk_test_1234567890");
    this.elements = this.stripe.elements(options);
  },
  mount(kind, where, options) {
    const element = (this.made[kind] = this.elements.create(kind, options));
    for (const name of ["ready", "change", "focus", "blur", "escape", "loaderror", "loaderstart"])
      element.on(name, (event) => (this.heard[name] ??= []).push(event));
    element.mount(where);
    return new Promise((resolve) => { element.on("ready", resolve); element.on("loaderror", resolve); });
  },
  run(script) { return script(this).catch((thrown) => ({ thrown: `${thrown.name}: ${thrown.message}` })); },
};
addEventListener("securitypolicyviolation", (event) => shop.violations.push(event.violatedDirective));
"""
