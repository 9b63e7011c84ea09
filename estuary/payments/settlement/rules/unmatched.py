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
    What fails beside an order's page is nothing to the order: the page can still be paid.
    """
    paid, processing = intent.status == "succeeded", intent.status == "processing"
    watch: list[Effect] = [WatchUnmatchedPayment(intent.id, intent.currency)] if processing else []
    if not (paid or processing) and (order.intent_id or not _has_failed(intent)):
        return []
    if paid and order.refunds_unmatched(intent.id):
        return []
    may_pay = order.may_be_paid_by(intent.id)
    if processing and not may_pay:
        return watch
    if not fact.fetched:
        return _what_to_fetch(order, intent, may_pay=may_pay)
    if not (paid or processing) and order.is_checkout and not _is_of_page(order, fact):
        return []
    problem = find_mismatch(order, intent)
    if may_pay and order.customer_id and not problem:
        # An order that has ended does not wait for its bank itself.
        return decide_own_payment(order, intent, fact) or watch
    if not paid:
        return watch
    return _return_unwanted_payment(order, intent, problem or ALREADY_BEING_PAID)


def _has_failed(intent: Intent) -> bool:
    """Whether a payment was declined or canceled; otherwise it has not been tried, or the buyer is still paying."""
    return intent.status == "canceled" or (
        intent.status == "requires_payment_method" and bool(intent.decline)
    )


def _what_to_fetch(order: OrderState, intent: Intent, *, may_pay: bool) -> FetchRequired:
    """Return what decides about a payment that only its label connects with the order.

    A page's own word comes first: its intent is not known before it is complete. A decline leaves it open, and an
    intent at its bank may be another one, of which the page knows nothing.
    """
    is_of_complete_page = not intent.decline and intent.status != "processing"
    if order.session_id and may_pay and is_of_complete_page:
        return FetchRequired(ObjectKind.SESSION, order.session_id)
    return FetchRequired(ObjectKind.INTENT_AND_PAGE, intent.id)


def _is_of_page(order: OrderState, fact: StripeObservation) -> bool:
    """Whether the order's own page made the intent, as Stripe says; a page whose answer was lost has no id here."""
    return fact.page_id != "" and order.session_id in {"", fact.page_id}


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
