"""An issuer warns of fraud, and payments are reviewed."""

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.shop import paid, types

RADAR = ("radar.", "review.")


def radar_events(sandbox: Sandbox) -> list[str]:
    return [type for type in types(sandbox) if type.startswith(RADAR)]


def test_a_warning_asks_for_something_until_its_charge_is_refunded_in_full(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    intent = paid(api, "pm_card_createIssuerFraudRecord")
    assert radar_events(sandbox) == ["radar.early_fraud_warning.created"]
    [warning] = api.v1.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
    assert (warning.actionable, warning.charge) == (True, intent.latest_charge)
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert api.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable
    assert radar_events(sandbox) == []
    api.v1.refunds.create({"payment_intent": intent.id})
    assert not api.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable
    assert radar_events(sandbox) == ["radar.early_fraud_warning.updated"]


def test_a_dispute_answers_a_warning_and_closes_a_review(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    intent = paid(api)
    warning = sandbox.control.warn_of_fraud(intent.id)
    review = sandbox.control.open_review(intent.id)
    assert radar_events(sandbox) == ["radar.early_fraud_warning.created", "review.opened"]
    sandbox.control.dispute(intent.id)
    assert not api.v1.radar.early_fraud_warnings.retrieve(warning["id"]).actionable
    closed = api.v1.reviews.retrieve(review["id"])
    assert (closed.open, closed.closed_reason) == (False, "disputed")
    assert radar_events(sandbox) == ["radar.early_fraud_warning.updated", "review.closed"]


def test_a_review_is_approved_once_and_only_open_ones_are_listed(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api)
    review = sandbox.control.open_review(payment.id)
    assert [listed.id for listed in api.v1.reviews.list().data] == [review["id"]]
    intent = api.v1.payment_intents.retrieve(payment.id, {"expand": ["review"]})
    assert isinstance(intent.review, stripe.Review) and intent.review.open
    assert api.v1.reviews.approve(review["id"]).closed_reason == "approved"
    assert api.v1.reviews.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="already been closed"):
        api.v1.reviews.approve(review["id"])
