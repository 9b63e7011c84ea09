"""How orders were paid: Stripe is asked for the card or the bank account, before a receipt gets its number."""

from collections.abc import Iterable
from datetime import timedelta

import structlog

from estuary.common import clock
from estuary.common.errors import EstuaryError, Unavailable
from estuary.orders.models import Order
from estuary.payments import client
from estuary.payments.stripe_objects import UsedMethod

# An older order is not asked about: the receipts of years would be as many calls.
RECENT = timedelta(days=1)
UNKNOWN = UsedMethod(type="", brand="", last4="")

log = structlog.get_logger(__name__)


def fetch_methods(orders: Iterable[Order]) -> dict[int, UsedMethod]:
    """Return the payment method of each order that was charged, by the order's key.

    While Stripe can't be asked, an order is missing. No transaction may be open.
    """
    methods: dict[int, UsedMethod] = {}
    oldest = clock.now() - RECENT
    for order in orders:
        if not order.amount_due_minor:
            continue
        assert order.completed_at is not None
        try:
            is_asked = order.completed_at >= oldest
            methods[order.pk] = (
                client.retrieve_used_method(order.stripe_payment_intent_id) if is_asked else UNKNOWN
            )
        except Unavailable as error:
            log.warning("payment_methods_unknown", code=error.code)
            break
        except EstuaryError as error:
            log.warning("payment_method_unknown", order=order.public_id, code=error.code)
            methods[order.pk] = UNKNOWN
    return methods
