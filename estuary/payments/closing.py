"""Ending an unpaid order: at Stripe first, so that nobody can pay for what we give back to others, and here then."""

from estuary.accounts.models import User
from estuary.common import clock
from estuary.orders.models import Order
from estuary.orders.states import LIVE, UNPAID
from estuary.payments import client, fetching, utils
from estuary.payments.customers import ensure_customer
from estuary.payments.errors import OrderNotCancelable, UnexpectedState
from estuary.payments.rules import Fact
from estuary.payments.settlement import settle


def close_order(order: Order, *, reason: str, cause: str) -> Order:
    """End a live order and return it as it stands then: canceled, or paid when the buyer was faster.

    ``reason`` is one of Stripe's cancellation reasons. Raises StripeUnavailable with nothing changed.
    """
    facts = _end_session(order, cause) if utils.is_checkout(order) else _end_intent(order, reason, cause)
    settle(facts, at=clock.now())
    order.refresh_from_db()
    return order


def cancel_order(*, user: User, order: Order) -> Order:
    """Cancel an order that is not paid yet, for its buyer; raises OrderNotCancelable for any other."""
    if order.status in UNPAID:
        order = close_order(order, reason="requested_by_customer", cause=f"canceled by user {user.pk}")
    if order.status in LIVE:
        raise OrderNotCancelable("Your bank is working on this payment, so it can't be canceled right now.")
    if order.status != "canceled":
        raise OrderNotCancelable("This order is paid. Cancel its booking instead, or write to us.")
    return order


def _end_intent(order: Order, reason: str, cause: str) -> list[Fact]:
    intent_id = order.stripe_payment_intent_id
    if not intent_id:
        # Cut off before the id was saved: the same key brings the same intent back, or makes one that is ended now.
        intent_id = utils.create_payment_intent(order, customer_id=ensure_customer(order.user)).id
    try:
        intent = client.cancel_intent(intent_id, reason=reason, key=utils.next_post_key(order, "cancel"))
    except UnexpectedState:
        intent = client.retrieve_intent(intent_id)
    return [Fact(intent, cause, fetched=True)]


def _end_session(order: Order, cause: str) -> list[Fact]:
    session_id = order.stripe_checkout_session_id
    if not session_id:
        session_id = utils.create_checkout_session(order, customer_id=ensure_customer(order.user)).id
    try:
        session = client.expire_session(session_id, key=utils.next_post_key(order, "expire"))
    except UnexpectedState:
        return fetching.session_facts(session_id, cause)
    return [Fact(session, cause, fetched=True)]
