"""Syncing an order: its payment is fetched from Stripe and settled, for the return page and for reconciliation."""

from estuary.common import clock
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.settlement import Outcome, settle
from estuary.payments.settlement.facts import FetchRequired, ObjectKind
from estuary.payments.settlement.fetch import fetch_observations


def fetch_and_settle(kind: ObjectKind, stripe_id: str, cause: str = "fetched from Stripe") -> list[Outcome]:
    """Fetch an object from Stripe, and settle its order by it."""
    return settle(fetch_observations(FetchRequired(kind, stripe_id), cause), at=clock.now())


def sync_order(order: Order) -> None:
    """Fetch an order's payment from Stripe and settle it."""
    if needs := payment_of(order):
        fetch_and_settle(needs.kind, needs.id)


def payment_of(order: Order) -> FetchRequired | None:
    """Return which object at Stripe pays for an order; None before there is one.

    What is at its bank is asked itself: it may be a payment by hand, of which the order's page knows nothing.
    """
    if order.status == Status.PROCESSING and order.stripe_payment_intent_id:
        return FetchRequired(ObjectKind.INTENT, order.stripe_payment_intent_id)
    if order.stripe_checkout_session_id:
        return FetchRequired(ObjectKind.SESSION, order.stripe_checkout_session_id)
    if order.stripe_payment_intent_id:
        return FetchRequired(ObjectKind.INTENT, order.stripe_payment_intent_id)
    return None


def sync_payment(intent_id: str) -> None:
    """Fetch a payment and every refund of it from Stripe, and settle them."""
    fetch_and_settle(ObjectKind.PAYMENT, intent_id)
