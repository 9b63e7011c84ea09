"""Asking Stripe how things stand, when an event alone does not say; never inside a transaction."""

from dataclasses import replace

from estuary.common import clock
from estuary.payments import client
from estuary.payments.settlement.facts import FetchRequired, StripeObservation
from estuary.payments.stripe_objects import Intent

SUCCEEDED = "payment_intent.succeeded"


def fetch_observations(needs: FetchRequired, cause: str) -> list[StripeObservation]:
    """Return the facts that answer a NeedsObject; raises StripeUnavailable or NotAtStripe."""
    match needs.kind:
        case "intent":
            return [StripeObservation(fetch_intent(needs.id), cause, fetched=True)]
        case "session":
            return _fetch_session(needs.id, cause)
        case "payment":
            return fetch_payment(needs.id, cause)
        case "refund":
            return fetch_payment(client.retrieve_refund(needs.id).intent_id, cause)
        case "charge":
            return fetch_payment(client.retrieve_charge(needs.id).intent_id, cause)
        case "dispute":
            return _fetch_dispute(needs.id, cause)
    raise ValueError(f"nothing of the kind {needs.kind} can be fetched")


def fetch_intent(intent_id: str) -> Intent:
    """Return an intent with the time when its money came: for what is no card, that of the event that says so."""
    intent = client.retrieve_intent(intent_id)
    if intent.status == "succeeded" and not intent.captured_at:
        return replace(intent, captured_at=_find_success_time(intent.id, intent.created))
    return intent


def _find_success_time(intent_id: str, since: int) -> int:
    """Return when Stripe said that a payment went through, or 0 when its list of events has it no more."""
    for event in client.events_since(clock.from_timestamp(since), [SUCCEEDED]):
        if event["data"]["object"]["id"] == intent_id:
            return int(event["created"])
    return 0


def _fetch_session(session_id: str, cause: str) -> list[StripeObservation]:
    """A completed but unpaid page looks the same whether its bank is at work or has failed: its intent tells."""
    session = client.retrieve_session(session_id)
    if session.payment_status == "paid" and session.intent_id and not session.captured_at:
        paid_at = _find_success_time(session.intent_id, session.created)
        return [StripeObservation(replace(session, captured_at=paid_at), cause, fetched=True)]
    if session.status == "complete" and session.payment_status == "unpaid" and session.intent_id:
        intent = client.retrieve_intent(session.intent_id)
        failed = intent.status in {"requires_payment_method", "canceled"}
        return [StripeObservation(replace(session, failed_later=failed), cause, fetched=True)]
    return [StripeObservation(session, cause, fetched=True)]


def fetch_payment(intent_id: str, cause: str) -> list[StripeObservation]:
    """An intent and every refund of it; nothing for a charge that was made without an intent, which is none of ours."""
    if not intent_id:
        return []
    intent = fetch_intent(intent_id)
    refunds = client.refunds_of(intent_id)
    return [
        StripeObservation(intent, cause, fetched=True),
        *(StripeObservation(refund, cause, fetched=True) for refund in refunds),
    ]


def _fetch_dispute(dispute_id: str, cause: str) -> list[StripeObservation]:
    """A dispute, and before it the intent that says whose it is: the payment's own news may not have come yet."""
    dispute = client.retrieve_dispute(dispute_id)
    observation = StripeObservation(dispute, cause, fetched=True)
    if not dispute.intent_id:
        return [observation]
    return [StripeObservation(fetch_intent(dispute.intent_id), cause, fetched=True), observation]
