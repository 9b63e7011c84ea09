"""The four common issues, each produced for real, as docs/howto/troubleshoot.md tells them: symptom, command, cause."""

from datetime import timedelta

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.payments.refusals.webhook_counter import WEBHOOK_COUNTER
from estuary.payments.webhooks import HANDLERS
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import CREATE, pay_only, status_of
from tests.flows.payments.checkup.conftest import Checkup
from tests.flows.payments.reconciliation.test_orphans import later
from tests.sandbox_bridge import post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CREDITS = {"is_credit_purchase": True, "amount": "100.00"}
# Long enough for an event to arrive.
A_MOMENT = timedelta(seconds=20)


def test_a_payment_intent_is_not_created_because_the_secret_key_is_refused(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup, settings: Settings
) -> None:
    assert checkup().broken == {}
    stripe.control.revoke_key(settings.STRIPE_SECRET_KEY)
    answer = buyer.post(CREATE, CREDITS)
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_service_unavailable")
    report = checkup()
    assert (report.status, set(report.broken)) == (1, {"key_refused"})
    finding = report.broken["key_refused"]
    assert "STRIPE_SECRET_KEY" in finding["what"] and "Expired API Key provided: sk_test_" in finding["what"]
    assert "export STRIPE_SECRET_KEY=" in finding["cure"]
    assert settings.STRIPE_SECRET_KEY not in report.text
    assert "We have been told" not in report.text


def test_a_payment_intent_is_not_created_because_the_request_is_wrong(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    answer = buyer.post(CREATE, {"is_credit_purchase": True, "amount": "a hundred"})
    assert (answer.status_code, "amount" in answer.json()["detail"]) == (400, True)
    assert checkup().broken == {}


def test_the_card_field_does_not_show_because_the_publishable_key_is_of_another_account(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup, settings: Settings
) -> None:
    buying.buy_credits(stripe, buyer)
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_of_another_shop"
    key = buyer.get("/api/v1/payments/config/").json()["publishable_key"]
    elements = stripe.request(
        "POST", "/v1/payment_methods", {"Authorization": f"Bearer {key}"}, b"type=card&card[token]=tok_visa"
    )
    assert elements.status == 401
    report = checkup()
    assert (report.status, set(report.broken)) == (1, {"publishable_key_refused"})
    finding = report.broken["publishable_key_refused"]
    assert "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY" in finding["what"] and "card field" in finding["why"]


def test_webhook_events_are_not_processed_because_the_secret_is_another_endpoint_s(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup, settings: Settings
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_another_endpoint"]
    order = buying.credits(buyer)
    pay_only(stripe, order)
    assert {post_event(delivery) for delivery in stripe.take_deliveries()} == {400}
    assert status_of(order) == "pending"
    WEBHOOK_COUNTER.flush()
    with later(A_MOMENT):
        report = checkup()
    assert (report.status, set(report.broken)) == (1, {"webhook_secret_wrong"})
    assert "STRIPE_WEBHOOK_SECRET" in report.broken["webhook_secret_wrong"]["cure"]
    assert "refused_no_secret_fits" in report.look
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_the_estuary_sandbox"]
    for event in stripe.state.store.events:
        stripe.control.resend(event["id"])
    settle_everything(stripe)
    assert status_of(order) == "completed"
    with later(A_MOMENT):
        assert checkup().broken == {}


def test_a_saved_card_does_not_appear_because_the_endpoint_does_not_send_its_event(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    [endpoint] = stripe.state.store.webhook_endpoints
    endpoint["enabled_events"] = sorted(HANDLERS.keys() - {"payment_method.attached"})
    order = buying.buy_credits(stripe, buyer)
    assert (status_of(order), buying.cards(buyer)) == ("completed", [])
    report = checkup()
    assert (report.status, set(report.broken)) == (1, {"endpoint_lacks_events"})
    assert "payment_method.attached" in report.broken["endpoint_lacks_events"]["what"]
    assert "saved cards" in report.broken["endpoint_lacks_events"]["why"]
