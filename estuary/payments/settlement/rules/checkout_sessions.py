"""The rules of Checkout pages: what a page says about the payment of its order."""

from estuary.orders.states import LIVE, UNPAID, Status
from estuary.payments.settlement.effects import Decision
from estuary.payments.settlement.facts import FetchRequired, ObjectKind, StripeObservation
from estuary.payments.settlement.rules.orders import end_unpaid
from estuary.payments.settlement.rules.payments import bind_intent, decide_paid, find_mismatch, wait_for_bank
from estuary.payments.settlement.rules.unmatched import decide_labeled_payment
from estuary.payments.settlement.state import OrderState
from estuary.payments.stripe_objects import CheckoutSession, Intent


def decide_session(order: OrderState, session: CheckoutSession, fact: StripeObservation) -> Decision:
    if order.session_id not in ("", session.id):
        return []
    if not order.session_id and (other := _decide_labeled_session(order, session, fact)) is not None:
        return other
    if session.status == "expired":
        # An order at its bank waits for another payment: a page whose own payment is there can't expire.
        return end_unpaid(order, fact.cause, "expired") if order.status in UNPAID else []
    bind = bind_intent(order, session.intent_id)
    if session.failed_later:
        # A completed page can't be paid again, so a late failure ends the order and frees its hold.
        if order.status not in LIVE or not order.may_be_paid_by(session.intent_id):
            return []
        return bind + end_unpaid(order, fact.cause, "payment_failed", was_at_bank=True)
    if session.status != "complete":
        return []
    if session.payment_status == "paid":
        return decide_paid(order, _intent_from_session(session), fact.cause)
    if order.status in UNPAID:
        if order.status == Status.FAILED and not fact.fetched:
            return FetchRequired(ObjectKind.SESSION, session.id)
        return bind + wait_for_bank(order, fact.cause)
    return []


def _decide_labeled_session(
    order: OrderState, session: CheckoutSession, fact: StripeObservation
) -> Decision | None:
    """Decide about a Checkout page that only a label connects with the order; None when the page is the order's."""
    if session.status not in {"expired", "complete"} and not session.failed_later:
        return []
    if not fact.fetched:
        return FetchRequired(ObjectKind.SESSION, session.id)
    intent = _intent_from_session(session)
    if order.is_checkout and order.customer_id and not find_mismatch(order, intent):
        return None
    if session.payment_status != "paid" or session.intent_id in {"", order.intent_id}:
        return []
    return decide_labeled_payment(order, intent, fact)


def _intent_from_session(session: CheckoutSession) -> Intent:
    """Return the intent of a paid Checkout page: the page says as much about the money."""
    return Intent(
        id=session.intent_id,
        status="succeeded",
        amount_minor=session.amount_minor,
        received_minor=session.amount_minor,
        currency=session.currency,
        customer_id=session.customer_id,
        livemode=session.livemode,
        order_ref=session.order_ref,
        captured_at=session.captured_at,
    )
