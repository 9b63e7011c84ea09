"""The sandbox's answers and our requests keep to the types that the `stripe` package ships."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import annotations
from tests.contract.allowed import WITHOUT_SDK
from tests.contract.exchanges import ENDPOINTS, EVENT_TYPES, Exchange
from tests.contract.scenario import Scenario

Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_answers_have_the_shape_that_the_sdk_declares(scenario: Scenario, endpoint: str) -> None:
    answers = [exchange for exchange in scenario.at(endpoint) if exchange.status < 400]
    assert answers, f"the scenario never succeeds at {endpoint}"
    assert findings(answers) == []


@pytest.mark.parametrize("status", [400, 401, 402, 404])
def test_errors_have_the_shape_that_the_sdk_declares(scenario: Scenario, status: int) -> None:
    answers = [exchange for exchange in scenario.exchanges if exchange.status == status]
    assert answers, f"the scenario never gets {status}"
    assert findings(answers) == []


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_events_have_the_shape_that_the_sdk_declares(scenario: Scenario, kind: str) -> None:
    events = scenario.events(kind)
    assert events, f"the scenario never makes {kind}"
    assert sorted({line for event in events for line in annotations.check_response(event)}) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_requests_that_succeed_have_parameters_that_the_sdk_declares(
    scenario: Scenario, endpoint: str
) -> None:
    sent = [exchange for exchange in scenario.at(endpoint) if exchange.status < 400]
    lines = [
        annotations.check_request(e.method, e.path, e.params, client=e.is_client)
        for e in sent
        # A browser's card data travel in parameters that the server's library does not name.
        if not (e.has_card_data or endpoint in WITHOUT_SDK)
    ]
    assert [line for problems in lines for line in problems] == []


def findings(exchanges: list[Exchange]) -> list[str]:
    return sorted(
        {
            f"{e.status} {line}"
            for e in exchanges
            for line in annotations.check_response(e.answer, client=e.is_client)
        }
    )


SPOILS: list[tuple[str, Spoil, str]] = [
    ("a required key is gone", lambda intent: intent.pop("amount"), "payment_intent.amount: missing"),
    (
        "a required key is null",
        lambda intent: intent.update(currency=None),
        "payment_intent.currency: None is no str",
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
        "payment_intent.amount: '2000' is no int",
    ),
    (
        "a number is a boolean",
        lambda intent: intent.update(amount=True),
        "payment_intent.amount: True is no int",
    ),
    (
        "a nested key is unknown",
        lambda intent: intent["payment_method_options"]["card"].update(colour="blue"),
        "payment_intent.payment_method_options.card.colour: unknown key",
    ),
    (
        "a nested enumeration has a new member",
        lambda intent: intent["automatic_payment_methods"].update(allow_redirects="perhaps"),
        "payment_intent.automatic_payment_methods.allow_redirects: 'perhaps' is none of",
    ),
    (
        "an expanded object is wrong",
        lambda intent: intent["latest_charge"].pop("refunded"),
        "payment_intent.latest_charge.refunded: missing",
    ),
    (
        "an object stands where a list belongs",
        lambda intent: intent.update(payment_method_types={"0": "card"}),
        "payment_intent.payment_method_types: {'0': 'card'} is no list",
    ),
    (
        "metadata are not text",
        lambda intent: intent["metadata"].update(n=1),
        "payment_intent.metadata.n: 1 is no str",
    ),
]


@pytest.mark.parametrize(("spoil", "expected"), [pytest.param(s, e, id=name) for name, s, e in SPOILS])
def test_an_answer_that_breaks_the_contract_is_reported(
    scenario: Scenario, spoil: Spoil, expected: str
) -> None:
    intent = copy.deepcopy(scenario.expanded_intent())
    assert annotations.check_response(intent) == []
    spoil(intent)
    problems = annotations.check_response(intent)
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_a_list_with_one_bad_item_is_reported(scenario: Scenario) -> None:
    listed = {
        "object": "list",
        "url": "/v1/refunds",
        "has_more": False,
        "data": [{"id": "re_1", "object": "refund", "amount": 1, "created": 1}],
    }
    assert annotations.check_response(listed) == ["data[0].refund.currency: missing"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, []),
        ({"automatic_payment_methods": {"enabled": "true", "allow_redirects": "never"}}, []),
        ({"metadata": {"order_id": "1"}, "expand": ["latest_charge"], "off_session": "true"}, []),
        ({"payment_method_types": ["card"]}, ["payment_method_types: unknown parameter"]),
        ({"setup_future_usage": "sometimes"}, ["setup_future_usage: 'sometimes' is none of"]),
        ({"confirm": "maybe"}, ["confirm: 'maybe' is no bool"]),
        ({"amount": "20.5"}, ["amount: '20.5' is no int"]),
        ({"currency": None}, ["currency: None is no str"]),
        ({"shipping": {"name": "Jenny"}}, ["shipping address: missing"]),
    ],
)
def test_a_request_is_held_to_the_sdks_parameters(params: dict[str, Any], expected: list[str]) -> None:
    problems = annotations.check_request(
        "POST", "/v1/payment_intents", {"amount": "2000", "currency": "usd"} | params
    )
    assert len(problems) == len(expected)
    for line, message in zip(problems, expected, strict=True):
        assert line.startswith(f"POST /v1/payment_intents {message}")


def test_a_request_without_what_is_required_is_reported() -> None:
    problems = annotations.check_request("POST", "/v1/payment_intents", {"amount": "2000"})
    assert problems == ["POST /v1/payment_intents currency: missing"]


def test_a_call_that_the_sdk_does_not_know_is_reported() -> None:
    assert annotations.check_request("POST", "/v1/wishes", {}) == ["the SDK has no call for POST /v1/wishes"]


def test_an_update_may_unset_what_a_creation_may_not() -> None:
    assert annotations.check_request("POST", "/v1/payment_intents/pi_1", {"metadata": ""}) == []
    refused = annotations.check_request(
        "POST", "/v1/payment_intents", {"amount": "2000", "currency": "usd", "metadata": ""}
    )
    assert refused == ["POST /v1/payment_intents metadata: '' is no object"]
