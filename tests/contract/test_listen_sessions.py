"""The websocket of `stripe listen`, frame by frame: https://github.com/stripe/stripe-cli, pkg/websocket."""

import json
from typing import Any

import pytest
import stripe
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession

from stripe_sandbox import Sandbox
from stripe_sandbox.server import app_for

PATH = "/v1/stripecli/subscribe?websocket_feature=webhook-payloads"
KEY = {"Authorization": "Bearer sk_test_listening"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def http(sandbox: Sandbox) -> TestClient:
    return TestClient(app_for(sandbox), base_url="http://127.0.0.1:12111")


def begin(http: TestClient) -> dict[str, Any]:
    session: dict[str, Any] = http.post(
        "/v1/stripecli/sessions", data={"device_name": "laptop"}, headers=KEY
    ).json()
    return session


def connected(http: TestClient, session: dict[str, Any]) -> WebSocketTestSession:
    headers = {"Websocket-Id": session["websocket_id"]}
    return http.websocket_connect(PATH, subprotocols=["stripecli-devproxy-v1"], headers=headers)


def make_an_event(http: TestClient) -> str:
    customer_id: str = http.post("/v1/customers", headers=KEY).json()["id"]
    return customer_id


def test_a_session_says_all_that_the_tool_reads(http: TestClient) -> None:
    session = begin(http)
    assert session["websocket_url"] == "ws://127.0.0.1:12111/v1/stripecli/subscribe"
    assert session["secret"].startswith("whsec_")
    assert session["reconnect_delay"] > 0
    assert session["default_version"] == "2026-05-27.dahlia"
    assert session["latest_version"] == stripe.api_version
    assert session["websocket_authorized_feature"]
    assert begin(http)["secret"] == session["secret"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pk_test_listening"}])
def test_a_session_needs_a_secret_key(http: TestClient, headers: dict[str, str]) -> None:
    refused = http.post("/v1/stripecli/sessions", headers=headers)
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_each_event_comes_in_the_accounts_version_and_in_the_latest(http: TestClient) -> None:
    session = begin(http)
    with connected(http, session) as websocket:
        customer = make_an_event(http)
        frames = [json.loads(websocket.receive_text()) for _ in range(2)]
    assert [frame["endpoint"]["api_version"] for frame in frames] == [None, stripe.api_version]
    for frame, version in zip(frames, ["2026-05-27.dahlia", stripe.api_version], strict=True):
        event = json.loads(frame["event_payload"])
        assert frame["type"] == "webhook_event"
        assert (event["type"], event["data"]["object"]["id"]) == ("customer.created", customer)
        assert event["api_version"] == version
        signature = frame["http_headers"]["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header(frame["event_payload"], signature, session["secret"])


def test_events_wait_while_the_tool_reconnects(http: TestClient) -> None:
    session = begin(http)
    with connected(http, session) as websocket:
        websocket.close()
    customer = make_an_event(http)
    with connected(http, session) as websocket:
        event = json.loads(json.loads(websocket.receive_text())["event_payload"])
    assert event["data"]["object"]["id"] == customer


def test_acknowledgements_and_answers_are_taken(http: TestClient) -> None:
    session = begin(http)
    with connected(http, session) as websocket:
        websocket.send_text(json.dumps({"type": "event_ack", "event_id": "evt_1"}))
        websocket.send_text(
            json.dumps({"type": "webhook_response", "notification_id": "evt_1", "status": 200})
        )
        make_an_event(http)
        assert json.loads(websocket.receive_text())["type"] == "webhook_event"


def test_an_unknown_session_is_told_in_the_words_that_make_the_tool_begin_anew(http: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as denied, connected(http, {"websocket_id": "cliws_of_old"}):
        pass
    assert denied.value.status_code == 401
    assert denied.value.json()["error"]["message"] == "Unknown WebSocket ID."
