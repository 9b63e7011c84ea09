"""The sandbox as a server: real sockets, real deliveries, the controls over HTTP."""

import html
import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import stripe

import stripe_sandbox
from stripe_sandbox import cards, faults, routes
from stripe_sandbox.control import Control
from stripe_sandbox.launch import serving
from tests.sandbox.conftest import ENDIVE, SECRET
from tests.sandbox.shop import intent, paid, session
from tests.servers import listening, wait_until

KEY = "sk_test_1234567890"
# The SDK hands httpx its bytes in a way that httpx has come to dislike.
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


class Shop(BaseHTTPRequestHandler):
    """A shop's webhook endpoint, which refuses the first delivery of all."""

    heard: list[str]
    refuse: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], SECRET)
        refused = type(self).refuse > 0
        type(self).refuse -= 1
        if not refused:
            self.heard.append(event.type)
        self.send_response(500 if refused else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def shop() -> Iterator[ThreadingHTTPServer]:
    Shop.heard, Shop.refuse = [], 1
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def running(shop: ThreadingHTTPServer) -> Iterator[str]:
    hook = f"http://127.0.0.1:{shop.server_address[1]}/"
    options: dict[str, Any] = {"webhook_url": hook, "webhook_secret": SECRET, "webhook_api_version": ENDIVE}
    with stripe_sandbox.running(**options) as sandbox:
        yield sandbox.url


@pytest.fixture
def api(running: str) -> stripe.StripeClient:
    http = stripe.HTTPXClient(timeout=1, allow_sync_methods=True)
    return stripe.StripeClient(KEY, base_addresses={"api": running}, http_client=http, max_network_retries=0)


def act(base: str, verb: str, **arguments: object) -> httpx.Response:
    return httpx.post(f"{base}/_sandbox/{verb}", json=arguments)


def test_events_reach_the_shop_although_it_failed_at_first(running: str, api: stripe.StripeClient) -> None:
    paid(api)
    wait_until(lambda: {"payment_intent.created", "charge.updated"} <= set(Shop.heard), 10)
    wait_until(lambda: all(e.pending_webhooks == 0 for e in api.v1.events.list().data), 10)


def test_the_controls_act_over_http(running: str, api: stripe.StripeClient) -> None:
    payment = intent(api)
    assert (
        act(running, "confirm", id=payment.id, card="4000002760003184").json()["status"] == "requires_action"
    )
    assert act(running, "complete_challenge", id=payment.id).json()["status"] == "succeeded"
    assert act(running, "refund", id=payment.id, amount=100).json()["amount"] == 100
    refused = act(running, "settle", id=payment.id)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        400,
        f"{payment.id} is succeeded, not processing.",
    )
    assert act(running, "conjure", id=payment.id).status_code == 404
    assert act(running, "settle", moon=1).status_code == 400


@pytest.mark.parametrize(
    ("verb", "body", "content_type", "message"),
    [
        ("refund", '{"id": "pi_1"}', "application/x-www-form-urlencoded", "Content-Type: application/json"),
        ("faults", '{"kind": "drop", "match": "a=b"}', "application/x-www-form-urlencoded", "Send a JSON object"),
        ("refund", "id=pi_1", "text/plain", "Content-Type: application/json"),
        ("refund", "[]", "application/json", "a JSON object"),
        ("refund", "\xff", "application/json", "a JSON object"),
        ("refund", "", "application/json", "refund takes intent_id, amount"),
        ("refund", '{"id": "pi_1", "moon": 1}', "application/json", "refund takes intent_id, amount"),
        ("refund", '{"id": "pi_1", "amount": "many"}', "application/json", "amount is a number"),
        ("faults", '{"match": "*"}', "application/json", "faults takes kind, match, times, skip"),
        ("faults", '{"kind": "moon"}', "application/json", "unknown fault"),
        ("endpoints", '{"moon": 1}', "application/json", "endpoints takes url"),
        ("advance", '{"seconds": [1]}', "application/json", "seconds is a number"),
        ("refund", '{"id": ["pi_1"]}', "application/json", "are no values that refund can use"),
    ],
)  # fmt: skip
def test_controls_that_are_asked_badly_say_what_they_take(
    running: str, verb: str, body: str, content_type: str, message: str
) -> None:
    content = body.encode("latin-1")
    answer = httpx.post(f"{running}/_sandbox/{verb}", content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json"), answer.text
    assert message in answer.json()["error"]["message"]


def test_a_person_sees_what_there_is_and_acts_with_buttons(running: str, api: stripe.StripeClient) -> None:
    payment = paid(api)
    home = httpx.get(running, follow_redirects=True)
    assert payment.id in home.text and 'action="/_sandbox/refund"' in home.text
    pressed = httpx.post(f"{running}/_sandbox/refund", data={"id": payment.id})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/_sandbox/")
    again = httpx.post(f"{running}/_sandbox/refund", data={"id": payment.id}, follow_redirects=True)
    assert "has already been refunded" in again.text


def test_lost_answers_are_lost_on_the_wire(running: str, api: stripe.StripeClient) -> None:
    for kind in ("timeout_before", "timeout_after", "cut"):
        act(running, "faults", kind=kind, match="POST /v1/customers")
        with pytest.raises(stripe.APIConnectionError):
            api.v1.customers.create({"email": f"{kind}@example.com"})
    emails = {c.email for c in api.v1.customers.list().data}
    assert emails == {"timeout_after@example.com", "cut@example.com"}
    httpx.delete(f"{running}/_sandbox/faults")


def test_the_hosted_page_is_served(running: str, api: stripe.StripeClient) -> None:
    checkout = session(api)
    shown = httpx.get(str(checkout.url))
    assert shown.status_code == 200 and "Pay $30.00" in shown.text
    assert shown.headers["content-type"].startswith("text/html")


def test_a_browser_on_another_origin_may_call(running: str) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,stripe-version"}  # fmt: skip
    answer = httpx.options(f"{running}/v1/payment_methods", headers=headers)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] in (
        "*",
        headers["Origin"],
    )


def test_requests_are_recorded_without_secrets(running: str, api: stripe.StripeClient) -> None:
    body = {
        "type": "card",
        "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2040, "cvc": "987"},
    }
    api.v1.payment_methods.create(body)  # type: ignore[arg-type]
    recorded = httpx.get(f"{running}/_sandbox/requests").text
    assert json.loads(recorded)[-1]["params"]["card"]["number"] == "•••• 4242"
    assert "4242424242424242" not in recorded and "987" not in json.dumps(json.loads(recorded)[-1]["params"])
    assert KEY not in recorded


def test_the_page_about_it_names_each_endpoint_card_control_and_fault(running: str) -> None:
    page = httpx.get(f"{running}/_sandbox/about")
    assert page.status_code == 200
    codes = {html.unescape(code) for code in re.findall("<code>(.*?)</code>", page.text)}
    verbs = [name for name, _ in inspect.getmembers(Control, inspect.isfunction) if name[0] != "_"]
    expected = {endpoint.split(" ")[1] for endpoint in routes.ROUTES} | {*verbs}
    expected |= {*faults.API_FAULTS, *faults.EVENT_FAULTS, *(f"pm_card_{name}" for name in cards.NAMES)}
    assert expected - codes == set()
    assert {"amount", "payment_method_options[card][capture_method]"} <= codes
    assert "application_fee_amount" not in codes
    assert set(cards.CARDS) - {code.replace(" ", "") for code in codes} == set()
    assert f"{running}/v3/stripe.js" in page.text
    assert 'href="/_sandbox/about"' in httpx.get(running, follow_redirects=True).text


def test_a_port_that_is_taken_is_named(running: str) -> None:
    port = int(running.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), stripe_sandbox.running(port=port):
        pass
    command = [sys.executable, "-m", "stripe_sandbox", "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    message = (
        f"The sandbox can't listen on 127.0.0.1, port {port}: Address already in use. --port chooses another."
    )
    assert ended.stderr.strip() == message


def test_a_webhook_without_its_secret_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="go together"),
        stripe_sandbox.running(webhook_url="http://127.0.0.1:9/"),
    ):
        pass


def test_an_application_that_cannot_start_is_reported() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise LookupError("nothing to start with")

    listener, _ = listening()
    with pytest.raises(RuntimeError, match="its log says why"), serving(broken, listener):
        pass
