"""Fetching from Stripe what an event alone does not decide; never inside a transaction."""

from dataclasses import replace

from estuary.common import clock
from estuary.payments import client
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.stripe_objects import Intent

SUCCEEDED = "payment_intent.succeeded"


def fetch_observations(needs: FetchRequired, cause: str) -> list[StripeObservation]:
    """Return the facts for a FetchRequired; raises StripeUnavailable or NotAtStripe."""
    match needs.kind:
        case ObjectKind.INTENT:
            return [StripeObservation(fetch_intent(needs.id), cause, fetched=True)]
        case ObjectKind.INTENT_AND_PAGE:
            intent = fetch_intent(needs.id)
            return [StripeObservation(intent, cause, fetched=True, page_id=_find_page(intent))]
        case ObjectKind.SESSION:
            return fetch_session(needs.id, cause)
        case ObjectKind.PAYMENT:
            return fetch_payment(needs.id, cause)
        case ObjectKind.REFUND:
            return fetch_payment(client.retrieve_refund(needs.id).intent_id, cause)
        case ObjectKind.CHARGE:
            return fetch_payment(client.retrieve_charge(needs.id).intent_id, cause)
        case ObjectKind.DISPUTE:
            return _fetch_dispute(needs.id, cause)
        case ObjectKind.PAYMENT_METHOD:
            raise ValueError("a payment method is fetched by customers/payment_methods.py")
        case ObjectKind.FRAUD_NOTICE:
            raise ValueError("a fraud notice is fetched by fraud/notices.py")


def fetch_intent(intent_id: str) -> Intent:
    """Return an intent with the time when its money came.

    A card's charge has that time. For any other payment method it is the time of the event that reports the success.
    """
    intent = client.retrieve_intent(intent_id)
    if intent.status == "succeeded" and not intent.captured_at:
        return replace(intent, captured_at=_find_success_time(intent.id, intent.created))
    return intent


def _find_success_time(intent_id: str, since: int) -> int:
    """Return when Stripe reported that a payment succeeded; 0 when the event is no longer in Stripe's list."""
    for event in client.events_since(clock.from_timestamp(since), [SUCCEEDED]):
        if event["data"]["object"]["id"] == intent_id:
            return int(event["created"])
    return 0


def _find_page(intent: Intent) -> str:
    """Return the id of the Checkout page that made an intent; it matters only for what was declined or canceled."""
    if intent.status in {"succeeded", "processing"}:
        return ""
    return next((page.id for page in client.sessions_of_payment(intent.id)), "")


def fetch_session(session_id: str, cause: str) -> list[StripeObservation]:
    """Fetch a Checkout page.

    A page that is completed but unpaid looks the same while its bank works and after its bank has failed. Its intent
    shows which.
    """
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
    """Fetch an intent and every refund of it; nothing for a charge without an intent, which is never ours."""
    if not intent_id:
        return []
    intent = fetch_intent(intent_id)
    refunds = client.refunds_of(intent_id)
    return [
        StripeObservation(intent, cause, fetched=True),
        *(StripeObservation(refund, cause, fetched=True) for refund in refunds),
    ]


def _fetch_dispute(dispute_id: str, cause: str) -> list[StripeObservation]:
    """Fetch a dispute and, before it, its intent, which names the order.

    The event of the payment itself may not have come yet.
    """
    dispute = client.retrieve_dispute(dispute_id)
    observation = StripeObservation(dispute, cause, fetched=True)
    if not dispute.intent_id:
        return [observation]
    return [StripeObservation(fetch_intent(dispute.intent_id), cause, fetched=True), observation]
