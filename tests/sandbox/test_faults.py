"""What goes wrong on demand, as the SDK sees it."""

import pytest
import stripe

from stripe_sandbox import Sandbox
from stripe_sandbox.inprocess import client
from tests.sandbox.shop import paid, types


def customers(api: stripe.StripeClient) -> int:
    return len(api.v1.customers.list().data)


def test_a_timeout_before_the_effect_does_nothing(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("timeout_before", "POST /v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        api.v1.customers.create({})
    assert customers(api) == 0


@pytest.mark.parametrize("kind", ["timeout_after", "cut"])
def test_an_answer_lost_after_the_effect_comes_again_for_its_key(
    sandbox: Sandbox, api: stripe.StripeClient, kind: str
) -> None:
    sandbox.faults.add(kind, "POST /v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        api.v1.customers.create({}, {"idempotency_key": "k"})
    assert api.v1.customers.create({}, {"idempotency_key": "k"}).id
    assert customers(api) == 1


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "cut", "error_before", "lock_timeout"])
def test_the_sdks_own_retries_get_over_it(sandbox: Sandbox, kind: str) -> None:
    api = client(sandbox, max_network_retries=2)
    sandbox.faults.add(kind, "POST /v1/customers", times=2)
    api.v1.customers.create({})
    assert customers(api) == 1


def test_a_refusal_does_nothing_and_is_not_remembered(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add(
        "refuse", "POST /v1/customers", code="account_closed", message="This account is closed."
    )
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.create({}, {"idempotency_key": "k"})
    assert (caught.value.http_status, caught.value.code) == (400, "account_closed")
    assert api.v1.customers.create({}, {"idempotency_key": "k"}).id


def test_a_remembered_500_stays_with_its_key(sandbox: Sandbox) -> None:
    api = client(sandbox, max_network_retries=2)
    sandbox.faults.add("error_saved", "POST /v1/customers")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            api.v1.customers.create({}, {"idempotency_key": "k"})
        assert caught.value.http_status == 500
    assert customers(api) == 0
    assert api.v1.customers.create({}, {"idempotency_key": "k2"}).id


def test_a_500_may_have_had_its_effect_all_the_same(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("error_saved", "POST /v1/customers", effect=True)
    with pytest.raises(stripe.APIError):
        api.v1.customers.create({})
    assert customers(api) == 1


def test_a_key_that_was_answered_is_answered_so_again_whatever_strikes(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    first = api.v1.customers.create({}, {"idempotency_key": "k"})
    sandbox.faults.add("error_saved", "POST /v1/customers", effect=True)
    assert api.v1.customers.create({}, {"idempotency_key": "k"}).id == first.id
    assert customers(api) == 1


def test_too_many_requests_say_so(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("rate_limit", "GET /v1/*", retry_after=2)
    with pytest.raises(stripe.RateLimitError) as caught:
        api.v1.customers.list()
    assert caught.value.headers and caught.value.headers["Retry-After"] == "2"


def test_a_slow_answer_is_a_timeout_for_who_does_not_wait(sandbox: Sandbox) -> None:
    from stripe_sandbox.inprocess import SandboxHTTPClient

    hasty = stripe.StripeClient(
        "sk_test_1234567890", http_client=SandboxHTTPClient(sandbox, timeout_s=3), max_network_retries=0
    )
    sandbox.faults.add("slow", "GET /v1/customers", seconds=4)
    with pytest.raises(stripe.APIConnectionError):
        hasty.v1.customers.list()


def test_a_fault_may_let_some_go_by_first(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("error_before", "POST /v1/customers", skip=1, times=1)
    api.v1.customers.create({})
    with pytest.raises(stripe.APIError):
        api.v1.customers.create({})
    api.v1.customers.create({})


def test_a_key_may_be_revoked_for_a_while(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("revoked_key")
    with pytest.raises(stripe.AuthenticationError):
        api.v1.customers.list()
    assert customers(api) == 0


def test_a_key_may_lack_a_permission(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("forbidden", "GET /v1/account")
    with pytest.raises(stripe.PermissionError):
        api.v1.accounts.retrieve_current()
    assert api.v1.accounts.retrieve_current().id


def test_an_unknown_fault_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        sandbox.faults.add("gremlins")


def test_events_get_lost_doubled_late_and_out_of_order(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("drop", "charge.succeeded")
    sandbox.faults.add("duplicate", "payment_intent.succeeded")
    sandbox.faults.add("reorder", "payment_intent.created")
    sandbox.faults.add("delay", "charge.updated", seconds=60)
    paid(api)
    assert types(sandbox) == [
        "payment_intent.succeeded",
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
    sandbox.control.advance(61)
    assert types(sandbox) == ["charge.updated"]
    assert len(api.v1.events.list().data) == 4


def test_an_event_may_never_be_generated(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.faults.add("never_generate", "payment_intent.succeeded")
    paid(api)
    assert "payment_intent.succeeded" not in types(sandbox)
    assert api.v1.events.list({"type": "payment_intent.succeeded"}).data == []


def test_events_are_held_released_lost_and_sent_again(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.control.hold_events("payment_intent.*")
    paid(api)
    assert types(sandbox) == ["charge.succeeded", "charge.updated"]
    assert sandbox.control.release_events() == 2
    assert sandbox.control.lose_events() == 2
    assert types(sandbox) == []
    event = api.v1.events.list({"type": "payment_intent.succeeded"}).data[0]
    sandbox.control.resend(event.id)
    assert types(sandbox) == ["payment_intent.succeeded"]
