"""Making an order agree with Stripe by fetching its payment: the return page's and the worker's door to settle."""

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import FetchRequired
from estuary.payments.settlement.fetch import fetch_observations


def sync_order(order: Order) -> None:
    """Make an order agree with Stripe's payment by looking at it: the return page's and the sweep's door to settle."""
    if order.stripe_checkout_session_id:
        needs = FetchRequired("session", order.stripe_checkout_session_id)
    elif order.stripe_payment_intent_id:
        needs = FetchRequired("intent", order.stripe_payment_intent_id)
    else:
        return
    settle(fetch_observations(needs, "asked of Stripe"), at=clock.now())


def sync_payment(intent_id: str) -> None:
    """Make an order agree with its payment and with every refund of it."""
    settle(fetch_observations(FetchRequired("payment", intent_id), "asked of Stripe"), at=clock.now())
