"""The check that other tests hold their own requests to."""

import pytest
import stripe

from stripe_sandbox import RecordedRequest, Sandbox
from stripe_sandbox.inprocess import client
from tests.contract.recorded import assert_requests_conform, findings


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def test_what_the_sdk_sends_conforms(sandbox: Sandbox) -> None:
    api = client(sandbox).v1
    customer = api.customers.create({"email": "buyer@example.com", "metadata": {"user_id": "7"}})
    intent = api.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "expand": ["latest_charge", "customer"],
        }
    )
    api.payment_intents.list({"customer": customer.id, "created": {"gte": 1}, "limit": 3})
    api.payment_intents.cancel(intent.id)
    assert len(sandbox.requests) == 4
    assert_requests_conform(sandbox.requests)


def test_a_parameter_that_stripe_dropped_is_found(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client(sandbox).v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "payment_method_types": ["card"]}  # type: ignore[typeddict-unknown-key]
        )
    assert findings(sandbox.requests) == [
        "POST /v1/payment_intents payment_method_types: unknown parameter",
    ]
    with pytest.raises(AssertionError, match="payment_method_types: unknown parameter"):
        assert_requests_conform(sandbox.requests)


def test_a_request_in_another_version_is_found(sandbox: Sandbox) -> None:
    client(sandbox, stripe_version="2026-05-27.dahlia").v1.customers.create({})
    assert findings(sandbox.requests) == [
        "POST /v1/customers: asks for version 2026-05-27.dahlia, and the SDK's is 2026-10-28.endive"
    ]


def test_browsers_and_the_command_line_tool_are_not_ours() -> None:
    sent = [
        RecordedRequest(
            "POST", "/v1/tokens", {"card": {"number": "4"}}, {"Authorization": "Bearer pk_test_1"}
        ),
        RecordedRequest("GET", "/v1/payment_pages/cs_1", {}, {"Authorization": "Bearer sk_test_1"}),
    ]
    assert findings(sent) == []
