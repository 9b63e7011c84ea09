"""Asking Stripe how things stand, when an event alone does not say; never inside a transaction."""

from dataclasses import replace

from estuary.payments import client
from estuary.payments.effects import NeedsObject
from estuary.payments.rules import Fact


def fetch_facts(needs: NeedsObject, cause: str) -> list[Fact]:
    """Return the facts that answer a NeedsObject; raises StripeUnavailable or NotAtStripe."""
    match needs.kind:
        case "intent":
            return [Fact(client.retrieve_intent(needs.id), cause, fetched=True)]
        case "session":
            return session_facts(needs.id, cause)
        case "payment":
            return payment_facts(needs.id, cause)
        case "refund":
            return payment_facts(client.retrieve_refund(needs.id).intent_id, cause)
        case "charge":
            return payment_facts(client.retrieve_charge(needs.id).intent_id, cause)
        case "dispute":
            return dispute_facts(needs.id, cause)
    raise ValueError(f"nothing of the kind {needs.kind} can be fetched")


def session_facts(session_id: str, cause: str) -> list[Fact]:
    """A completed but unpaid page looks the same whether its bank is at work or has failed: its intent tells."""
    session = client.retrieve_session(session_id)
    if session.status == "complete" and session.payment_status == "unpaid" and session.intent_id:
        intent = client.retrieve_intent(session.intent_id)
        failed = intent.status in {"requires_payment_method", "canceled"}
        return [Fact(replace(session, failed_later=failed), cause, fetched=True)]
    return [Fact(session, cause, fetched=True)]


def payment_facts(intent_id: str, cause: str) -> list[Fact]:
    """An intent and every refund of it; nothing for a charge that was made without an intent, which is none of ours."""
    if not intent_id:
        return []
    intent = client.retrieve_intent(intent_id)
    refunds = client.refunds_of(intent_id)
    return [Fact(intent, cause, fetched=True), *(Fact(refund, cause, fetched=True) for refund in refunds)]


def dispute_facts(dispute_id: str, cause: str) -> list[Fact]:
    """A dispute, and before it the intent that says whose it is: the payment's own news may not have come yet."""
    dispute = client.retrieve_dispute(dispute_id)
    told = Fact(dispute, cause, fetched=True)
    if not dispute.intent_id:
        return [told]
    return [Fact(client.retrieve_intent(dispute.intent_id), cause, fetched=True), told]
