"""Events: what they carry, whom they reach, how they are signed."""

import json

import pytest
import stripe

from stripe_sandbox import ManualClock, Sandbox
from stripe_sandbox.inprocess import client
from stripe_sandbox.webhook_queue import BACK_OFF_S
from tests.sandbox.conftest import ENDIVE, SECRET
from tests.sandbox.shop import intent, paid, types


def test_deliveries_are_signed_so_that_the_sdk_believes_them() -> None:
    sandbox = Sandbox(webhook_secret=SECRET, webhook_api_version=ENDIVE)
    paid(client(sandbox))
    for delivery in sandbox.take_deliveries():
        event = stripe.Webhook.construct_event(delivery.body, delivery.headers["Stripe-Signature"], SECRET)
        assert (event.type, event.api_version) == (delivery.type, ENDIVE)
    assert sandbox.take_deliveries() == []


def test_an_event_shows_the_object_as_it_was(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = intent(api)
    sandbox.control.confirm(payment.id)
    (created,) = api.v1.events.list({"type": "payment_intent.created"}).data
    assert created.data.object["status"] == "requires_payment_method"
    assert created.api_version == "2026-05-27.dahlia"


def test_an_event_names_the_request_that_caused_it(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = api.v1.payment_intents.create(
        {"amount": 500, "currency": "usd"}, {"idempotency_key": "order-1"}
    )
    sandbox.control.confirm(payment.id)
    events = {e.type: e for e in api.v1.events.list().data}
    request = events["payment_intent.created"].request
    assert request and (request.id, request.idempotency_key) == (sandbox.requests[0].request_id, "order-1")
    assert (
        events["payment_intent.succeeded"].request and events["payment_intent.succeeded"].request.id is None
    )


def test_endpoints_get_what_they_ask_for_in_their_version(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    endpoint = api.v1.webhook_endpoints.create(
        {
            "url": "https://two.example/hook",
            "enabled_events": ["charge.succeeded"],
            "api_version": "2026-05-27.dahlia",
        }
    )
    assert endpoint.secret and endpoint.secret.startswith("whsec_")
    paid(api)
    second = [d for d in sandbox.take_deliveries() if d.url == "https://two.example/hook"]
    assert [d.type for d in second] == ["charge.succeeded"]
    assert json.loads(second[0].body)["api_version"] == "2026-05-27.dahlia"
    api.v1.webhook_endpoints.delete(endpoint.id)
    paid(api)
    assert {d.url for d in sandbox.take_deliveries()} == {"http://testserver/webhook"}


def test_events_are_listed_by_type_and_kept_for_30_days(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    paid(api)
    events = api.v1.events.list({"types": ["charge.succeeded", "payment_intent.succeeded"]})
    assert [e.type for e in events.data] == ["payment_intent.succeeded", "charge.succeeded"]
    sandbox.control.advance(31 * 24 * 3600)
    assert api.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.events.retrieve(events.data[0].id)


def test_a_failed_delivery_comes_again_later_and_later(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    api.v1.customers.create({})
    outbox = sandbox.state.outbox
    (delivery,) = outbox.take()
    for wait in BACK_OFF_S:
        assert outbox.failed(delivery) == wait
        assert outbox.take() == []
        sandbox.control.advance(wait)
        (delivery,) = outbox.take()
    assert outbox.failed(delivery) is None
    assert api.v1.events.list().data[0].pending_webhooks == 1


def test_a_reset_forgets_all_but_the_endpoint(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    paid(api)
    sandbox.reset()
    assert (sandbox.requests, types(sandbox)) == ([], [])
    assert api.v1.payment_intents.list().data == []
    api.v1.customers.create({})
    assert types(sandbox) == ["customer.created"]


def test_an_endpoint_may_hear_without_a_first_one() -> None:
    sandbox = Sandbox(clock=ManualClock())
    client(sandbox).v1.customers.create({})
    assert sandbox.take_deliveries() == []
    sandbox.add_endpoint("https://shop.example/hook", SECRET, enabled_events=["customer.created"])
    client(sandbox).v1.customers.create({})
    assert types(sandbox) == ["customer.created"]
