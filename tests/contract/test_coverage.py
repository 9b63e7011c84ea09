"""The contracts leave out nothing that the sandbox serves or emits."""

import re
from collections.abc import Iterator
from typing import Any

from stripe_sandbox.routes import ROUTES
from tests.contract.allowed import NEWER_PARAMS, UNDOCUMENTED_ANSWER_KEYS
from tests.contract.exchanges import ENDPOINTS, EVENT_TYPES
from tests.contract.scenario import Scenario

LEFT_OUT = {
    "GET /v1/payment_pages/{}": "Stripe publishes nothing about it; its command line tool is its only user",
    "POST /v1/payment_pages/{}/confirm": "the same",
    "POST /v1/refunds/{}/cancel": "no refund here ever waits for the buyer, so it always refuses",
    "POST /v1/events/{}/retry": "Stripe's command line tool is its only user: `stripe events resend`",
}


def test_every_endpoint_of_the_sandbox_is_held_to_the_contracts() -> None:
    served = {re.sub(r"\{\w+\}", "{}", endpoint) for endpoint in ROUTES}
    checked = {re.sub(r"\{\w+\}", "{}", endpoint) for endpoint in ENDPOINTS}
    assert served - checked == set(LEFT_OUT)
    assert checked <= served


def test_every_event_that_the_scenario_makes_is_held_to_the_contracts(scenario: Scenario) -> None:
    pages = [e.answer["data"] for e in scenario.at("GET /v1/events") if e.status == 200]
    assert {event["type"] for page in pages for event in page} == set(EVENT_TYPES)


def test_every_status_of_what_is_sold_is_seen(scenario: Scenario) -> None:
    seen: dict[str, set[str]] = {}
    for exchange in scenario.exchanges:
        if "status" in exchange.answer and "object" in exchange.answer:
            seen.setdefault(exchange.answer["object"], set()).add(str(exchange.answer["status"]))
    assert seen["payment_intent"] == {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "processing",
        "requires_capture",
        "canceled",
        "succeeded",
    }
    assert seen["refund"] == {"pending", "succeeded", "failed"}
    assert seen["checkout.session"] == {"open", "complete", "expired"}
    assert seen["setup_intent"] >= {"requires_payment_method", "requires_action", "succeeded", "canceled"}
    assert seen["dispute"] >= {"needs_response", "under_review", "won", "warning_closed"}
    assert seen["charge"] >= {"succeeded"}


def owners_and_keys(value: Any, parent: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of an answer with the kind of its object and with where that stands."""
    if isinstance(value, list):
        for item in value:
            yield from owners_and_keys(item, parent)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from ((str(value.get("object")), key), (parent, key))
            yield from owners_and_keys(inner, key)


def test_every_exception_that_is_allowed_is_needed(scenario: Scenario) -> None:
    seen = {pair for exchange in scenario.exchanges for pair in owners_and_keys(exchange.answer)}
    assert set(UNDOCUMENTED_ANSWER_KEYS) <= seen
    sent = {name for exchange in scenario.exchanges for name in exchange.params}
    assert set(NEWER_PARAMS) <= sent
    assert "client_secret" in sent
