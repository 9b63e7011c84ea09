"""The rules: pure functions from an order's state and one fact to effects.

No database, no clock, no network. A fact that comes twice, late or out of order has no effect.
"""

from estuary.payments.models import Refund
from estuary.payments.settlement.effects import Decision
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.rules import disputes as dispute_rules
from estuary.payments.settlement.rules import refunds as refund_rules
from estuary.payments.settlement.rules.checkout_sessions import decide_session
from estuary.payments.settlement.rules.payments import decide_own_payment
from estuary.payments.settlement.rules.unmatched import (
    decide_labeled_payment,
    decide_refund_or_dispute,
    is_own_payment,
)
from estuary.payments.settlement.state import OrderState
from estuary.payments.stripe_objects import Charge, CheckoutSession, Intent, StripeDispute, StripeRefund


def decide(order: OrderState, fact: StripeObservation) -> Decision:
    """Return what a fact changes about its order; often nothing."""
    match fact.object:
        case Intent() as intent:
            return _decide_intent(order, intent, fact)
        case CheckoutSession() as session:
            return decide_session(order, session, fact)
        case StripeRefund() | StripeDispute() as unmatched if not is_own_payment(order, unmatched.intent_id):
            return decide_refund_or_dispute(order, unmatched, fact)
        case StripeRefund() as refund:
            is_early = not order.captured_minor and refund_rules.find_refund(order, refund) is None
            if (is_early and not fact.fetched) or refund_rules.exceeds_captured(order, refund):
                return FetchRequired(ObjectKind.PAYMENT, refund.intent_id)
            effects = refund_rules.decide_refund(order, refund, fact.cause)
            return [*effects, *dispute_rules.apply_refund_to_disputes(order, effects, fact.cause)]
        case StripeDispute() as dispute:
            return dispute_rules.decide_dispute(order, dispute, fact.cause, fetched=fact.fetched)
        case Charge() as charge:
            return _decide_charge(order, charge)


def _decide_intent(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    if order.intent_id != intent.id:
        return decide_labeled_payment(order, intent, fact)
    return decide_own_payment(order, intent, fact)


def _decide_charge(order: OrderState, charge: Charge) -> Decision:
    """Fetch the refunds of a charge when the charge's cumulative sum is not the sum of ours."""
    refunded_minor = sum(
        refund.card_minor
        for refund in order.refunds
        if refund.intent_id == charge.intent_id and refund.status == Refund.Status.SUCCEEDED
    )
    is_known = refunded_minor == charge.amount_refunded_minor
    return [] if is_known else FetchRequired(ObjectKind.PAYMENT, charge.intent_id)
