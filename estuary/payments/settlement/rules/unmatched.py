"""The rules of unmatched payments: they name an order and are not its payment."""

from estuary.payments.settlement.effects import (
    AlertStaff,
    Decision,
    RecordUnmatchedPayment,
    WatchUnmatchedPayment,
)
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.rules.payments import (
    ALREADY_BEING_PAID,
    decide_own_payment,
    find_mismatch,
    return_unmatched_payment,
)
from estuary.payments.settlement.state import Effect, OrderState
from estuary.payments.stripe_objects import Intent, StripeDispute, StripeRefund

DISPUTE_CREATED_EVENT = "charge.dispute.created"


def decide_labeled_payment(order: OrderState, intent: Intent, fact: StripeObservation) -> Decision:
    """Decide about a payment that only a label connects with the order, and anyone can copy a label.

    It is asked of Stripe with our own key, and is the order's when it has the order's customer, amount and currency.
    Other money of that customer goes back: 42.00 by hand for an order of 50.00. Anybody else's is left alone.
    """
    paid, processing = intent.status == "succeeded", intent.status == "processing"
    watch: list[Effect] = [WatchUnmatchedPayment(intent.id, intent.currency)] if processing else []
    undecided = intent.status == "requires_payment_method" and not intent.decline
    if not paid and (
        order.intent_id or undecided or intent.status in {"requires_action", "requires_confirmation"}
    ):
        return watch
    if paid and order.refunds_unmatched(intent.id):
        return []
    if not fact.fetched:
        # A page's own word comes first: its intent is not known before it is complete. A decline leaves it open, and
        # an intent at its bank may be another one, of which the page knows nothing.
        by_page = order.session_id and not order.intent_id and not intent.decline and not processing
        return (
            FetchRequired(ObjectKind.SESSION, order.session_id)
            if by_page
            else FetchRequired(ObjectKind.INTENT, intent.id)
        )
    problem = find_mismatch(order, intent)
    if not order.intent_id and order.customer_id and not problem:
        # An order that has ended does not wait for its bank itself.
        return decide_own_payment(order, intent, fact) or watch
    if not paid:
        return watch
    return _return_unwanted_payment(order, intent, problem or ALREADY_BEING_PAID)


def _return_unwanted_payment(order: OrderState, intent: Intent, problem: str) -> list[Effect]:
    """Refund an unwanted payment of the order's own customer; leave a payment of anybody else alone."""
    if order.customer_id and intent.customer_id == order.customer_id:
        return return_unmatched_payment(order, intent, problem)
    return [RecordUnmatchedPayment(intent.id, intent.customer_id, intent.received_minor, intent.currency)]


def is_own_payment(order: OrderState, intent_id: str) -> bool:
    """Whether a payment is the order's own, or an unmatched one that the order refunds."""
    return intent_id in {"", order.intent_id} or order.refunds_unmatched(intent_id)


def decide_refund_or_dispute(
    order: OrderState, other: StripeRefund | StripeDispute, fact: StripeObservation
) -> Decision:
    """Ignore refunds and disputes of a payment that was left alone; alert staff, who must answer a dispute."""
    if needs := fact.payment_to_fetch:
        return needs
    if isinstance(other, StripeRefund) or DISPUTE_CREATED_EVENT not in fact.cause:
        return []
    text = f"{other.id} disputes {other.intent_id}, which names {order.public_id} and is not its payment"
    return [AlertStaff("dispute_of_unknown_payment", text)]
