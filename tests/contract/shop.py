"""A shop's server, its buyers' browsers and their banks, all talking to one sandbox that is overheard."""

import contextlib
import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

import stripe

from stripe_sandbox import ManualClock, Response, Sandbox
from stripe_sandbox.inprocess import SandboxHTTPClient
from tests.contract.exchanges import Exchange
from tests.contract.forms import decode
from tests.contract.scenario import Scenario

SECRET_KEY = "sk_test_contract_of_the_sandbox"
PUBLIC_KEY = "pk_test_contract_of_the_sandbox"
SCENARIOS = [
    "tests.contract.scenario_payments",
    "tests.contract.scenario_searches",
    "tests.contract.scenario_afterwards",
]
Step = Callable[["Shop"], None]
STEPS: list[Step] = []


def step(function: Step) -> Step:
    """Make a function a part of the scenario."""
    STEPS.append(function)
    return function


class OverheardSandbox(Sandbox):
    """A sandbox that keeps each request to its API with the answer."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock(), webhook_secret="whsec_contract", automatic_after_s=60.0)
        self.exchanges: list[Exchange] = []
        self.step = ""

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Response:
        response = super().request(method, path, headers, body)
        bare, _, query = path.partition("?")
        self.exchanges.append(
            Exchange(
                step=self.step,
                method=method.upper(),
                path=bare,
                params=decode(body.decode() if method.upper() == "POST" else query),
                status=response.status,
                answer=json.loads(response.body),
                is_client=PUBLIC_KEY in str(headers),
            )
        )
        return response


class Shop:
    """What the steps of a scenario use."""

    secret_headers: Mapping[str, str] = {"Authorization": f"Bearer {SECRET_KEY}"}
    public_headers: Mapping[str, str] = {"Authorization": f"Bearer {PUBLIC_KEY}"}

    def __init__(self) -> None:
        self.sandbox = OverheardSandbox()
        self.bank = self.sandbox.control
        client = stripe.StripeClient(
            SECRET_KEY, http_client=SandboxHTTPClient(self.sandbox), max_network_retries=0
        )
        self.api = client.v1
        self._customer: str | None = None

    def customer(self) -> str:
        """Return the id of the one customer that the steps share."""
        if self._customer is None:
            self._customer = self.api.customers.create(params={"email": "buyer@example.com"}).id
        return self._customer

    def intent(self, **params: Any) -> stripe.PaymentIntent:
        """Create an intent of 20.00 as our server does, with more or other parameters."""
        ours: dict[str, Any] = {
            "amount": 2000,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        if "payment_method_types" in params:
            del ours["automatic_payment_methods"]
        return self.api.payment_intents.create(params=cast(Any, ours | params))

    def paid(self, method: str = "pm_card_visa") -> stripe.PaymentIntent:
        """Return an intent that a card has paid."""
        return self.intent(payment_method=method, confirm=True)

    def session(self, **params: Any) -> stripe.checkout.Session:
        """Create a Checkout Session for two hours of yoga, with more or other parameters."""
        currency = params.pop("currency", "usd")
        product = {"name": "Yoga", "description": "An hour of it"}
        line = {
            "quantity": 2,
            "price_data": {"currency": currency, "unit_amount": 1500, "product_data": product},
        }
        ours: dict[str, Any] = {
            "mode": "payment",
            "line_items": [line],
            "success_url": "https://example.com/ok?id={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://example.com/no",
        }
        return self.api.checkout.sessions.create(params=cast(Any, ours | params))

    def pay_session(self, session_id: str, method: str) -> None:
        """Pay on the hosted page; a decline leaves the session open."""
        page = self.call("GET", f"/v1/payment_pages/{session_id}", headers=self.secret_headers)
        form = {"payment_method": method, "expected_amount": str(page["total_summary"]["due"])}
        self.call("POST", f"/v1/payment_pages/{session_id}/confirm", form, headers=self.secret_headers)

    def browser(self, method: str, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send what a buyer's browser sends, with the publishable key."""
        return self.call(method, path, params, headers=self.public_headers)

    def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, *, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """Send a plain request and return the answer, be it an error."""
        form = urlencode(list(_flat(params or {})))
        version = {"Stripe-Version": stripe.api_version}
        if method == "GET":
            response = self.sandbox.request(method, f"{path}?{form}", dict(headers) | version)
        else:
            response = self.sandbox.request(method, path, dict(headers) | version, form.encode())
        return cast(dict[str, Any], json.loads(response.body))

    def refused(self, action: Callable[[], object]) -> stripe.StripeError:
        """Do what must be refused, and return the refusal."""
        with contextlib.suppress(stripe.APIConnectionError):
            try:
                action()
            except stripe.StripeError as error:
                return error
        raise AssertionError("the sandbox allowed what Stripe refuses")

    def pass_time(self, seconds: float = 3600) -> None:
        """Let the clock run, so that what takes time happens."""
        self.sandbox.clock.advance(seconds)


def _flat(params: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        full = f"{prefix}[{name}]" if prefix else name
        pairs += _flat(value, full) if isinstance(value, Mapping) else [(full, str(value))]
    return pairs


def play_scenarios() -> Scenario:
    """Play all scenarios against one sandbox and return what was said."""
    for name in SCENARIOS:
        importlib.import_module(name)
    shop = Shop()
    for play in STEPS:
        shop.sandbox.step = play.__name__
        play(shop)
    return Scenario(shop.sandbox.exchanges)
