"""Syncing an order: its payment is fetched from Stripe and settled, for the return page and for reconciliation."""

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import FetchRequired, ObjectKind
from estuary.payments.settlement.fetch import fetch_observations


def sync_order(order: Order) -> None:
    """Fetch an order's payment from Stripe and settle it."""
    if needs := payment_of(order):
        settle(fetch_observations(needs, "fetched from Stripe"), at=clock.now())


def payment_of(order: Order) -> FetchRequired | None:
    """Return which object at Stripe pays for an order; None before there is one."""
    if order.stripe_checkout_session_id:
        return FetchRequired(ObjectKind.SESSION, order.stripe_checkout_session_id)
    if order.stripe_payment_intent_id:
        return FetchRequired(ObjectKind.INTENT, order.stripe_payment_intent_id)
    return None


def sync_payment(intent_id: str) -> None:
    """Fetch a payment and every refund of it from Stripe, and settle them."""
    settle(
        fetch_observations(FetchRequired(ObjectKind.PAYMENT, intent_id), "fetched from Stripe"),
        at=clock.now(),
    )
