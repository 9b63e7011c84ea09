"""The sandbox's answers and our requests keep to Stripe's OpenAPI document."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.exchanges import ENDPOINTS, EVENT_TYPES
from tests.contract.scenario import Scenario

Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_answers_have_the_shape_that_the_document_gives(scenario: Scenario, endpoint: str) -> None:
    answers = scenario.at(endpoint)
    assert answers, f"the scenario was never at {endpoint}"
    problems = {
        f"{e.status} {line}"
        for e in answers
        for line in openapi.check_response(e.method, e.path, e.status, e.answer, client=e.is_client)
    }
    assert sorted(problems) == []


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_events_have_the_shape_that_the_document_gives(scenario: Scenario, kind: str) -> None:
    problems = {line for event in scenario.events(kind) for line in openapi.check_object(event)}
    assert sorted(problems) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_requests_that_succeed_have_parameters_that_the_document_gives(
    scenario: Scenario, endpoint: str
) -> None:
    problems = {
        line
        for e in scenario.at(endpoint)
        if e.status < 400 and not e.has_card_data
        for line in openapi.check_request(e.method, e.path, e.params, client=e.is_client)
    }
    assert sorted(problems) == []


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "checkout.session.completed"])
def test_events_are_of_the_documents_version(scenario: Scenario, kind: str) -> None:
    for event in scenario.events(kind):
        assert event["api_version"] == openapi.document()["info"]["version"]


SPOILS: list[tuple[str, Spoil, str]] = [
    ("a required key is gone", lambda intent: intent.pop("livemode"), "payment_intent.livemode: missing"),
    (
        "a key may not be null",
        lambda intent: intent.update(currency=None),
        "payment_intent.currency: null is no string",
    ),
    ("a key is unknown", lambda intent: intent.update(colour="blue"), "payment_intent.colour: unknown key"),
    (
        "an enumeration has a new member",
        lambda intent: intent.update(status="done"),
        "payment_intent.status: 'done' is none of",
    ),
    (
        "a number is a string",
        lambda intent: intent.update(amount="2000"),
        "payment_intent.amount: '2000' is no integer",
    ),
    (
        "a text is too long",
        lambda intent: intent.update(id="pi_" + "x" * 5000),
        "payment_intent.id: longer than 5000 characters",
    ),
    (
        "an expanded object is wrong",
        lambda intent: intent["latest_charge"].pop("refunded"),
        "payment_intent.latest_charge.refunded: missing",
    ),
    (
        "an expanded object is another one",
        lambda intent: intent["latest_charge"].update(object="refund"),
        "payment_intent.latest_charge",
    ),
    (
        "a list holds what it may not",
        lambda intent: intent.update(payment_method_types=[1]),
        "payment_intent.payment_method_types[0]: 1 is no string",
    ),
]


@pytest.mark.parametrize(("spoil", "expected"), [pytest.param(s, e, id=name) for name, s, e in SPOILS])
def test_an_answer_that_breaks_the_contract_is_reported(
    scenario: Scenario, spoil: Spoil, expected: str
) -> None:
    intent = copy.deepcopy(scenario.expanded_intent())
    path = f"/v1/payment_intents/{intent['id']}"
    assert openapi.check_response("GET", path, 200, intent) == []
    spoil(intent)
    problems = openapi.check_response("GET", path, 200, intent)
    assert problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, []),
        ({"automatic_payment_methods": {"enabled": "true", "allow_redirects": "never"}}, []),
        ({"metadata": {"order_id": "1"}, "expand": ["latest_charge"], "off_session": "true"}, []),
        ({"colour": "blue"}, [".colour: unknown key"]),
        ({"setup_future_usage": "sometimes"}, [".setup_future_usage: 'sometimes' is none of"]),
        ({"confirm": "maybe"}, [".confirm: 'maybe' is no boolean"]),
        ({"amount": "20.5"}, [".amount: '20.5' is no integer"]),
        ({"statement_descriptor": "x" * 23}, [".statement_descriptor: longer than 22 characters"]),
        ({"shipping": {"name": "Jenny"}}, [".shipping.address: missing"]),
    ],
)
def test_a_request_is_held_to_the_document(params: dict[str, Any], expected: list[str]) -> None:
    problems = openapi.check_request(
        "POST", "/v1/payment_intents", {"amount": "2000", "currency": "usd"} | params
    )
    assert len(problems) == len(expected)
    for line, message in zip(problems, expected, strict=True):
        assert line.startswith(f"POST /v1/payment_intents{message}")


def test_a_query_is_held_to_the_document() -> None:
    assert openapi.check_request("GET", "/v1/refunds", {"limit": "3", "created": {"gte": "1"}}) == []
    assert openapi.check_request("GET", "/v1/refunds", {"limit": "many"}) == [
        "GET /v1/refunds.limit: 'many' is no integer"
    ]


def test_a_call_that_the_document_does_not_know_is_reported() -> None:
    assert openapi.check_request("POST", "/v1/wishes", {}) == ["POST /v1/wishes: not in the document"]


def test_an_update_may_unset_what_a_creation_may_not() -> None:
    assert openapi.check_request("POST", "/v1/payment_intents/pi_1", {"metadata": ""}) == []
    refused = openapi.check_request(
        "POST", "/v1/payment_intents", {"amount": "2000", "currency": "usd", "metadata": ""}
    )
    assert refused == ["POST /v1/payment_intents.metadata: '' is no object"]
