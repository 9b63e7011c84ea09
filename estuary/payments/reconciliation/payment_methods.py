"""Saved cards are compared with Stripe's, a few customers at a time, the longest unchecked first.

Stripe may create no event for a removed card and has no list of removed cards, so each customer's cards are fetched
in turn. Paying with a card that is gone is refused in any case (payment_methods.py).
"""

from datetime import timedelta
from functools import partial

import structlog
from django.db.models import Q

from estuary.common import clock
from estuary.common.process import shutdown
from estuary.payments.errors import StripeUnavailable
from estuary.payments.models import StripeCustomer
from estuary.payments.reconciliation.customers import resync_payment_methods
from estuary.payments.reconciliation.retry import run_logged

CUSTOMERS_PER_RUN = 50
CHECK_INTERVAL = timedelta(minutes=10)

log = structlog.get_logger(__name__)


def check_saved_payment_methods() -> int:
    """Compare the cards of up to CUSTOMERS_PER_RUN customers; returns how many were compared."""
    at = clock.now()
    customers = StripeCustomer.objects.exclude(stripe_customer_id="").order_by("cards_checked_at", "pk")
    # A clock that ran ahead may have set a time in the future.
    due = Q(cards_checked_at__lte=at - CHECK_INTERVAL) | Q(cards_checked_at__gt=at)
    rows = [
        *customers.filter(cards_checked_at=None)[:CUSTOMERS_PER_RUN],
        *customers.filter(due)[:CUSTOMERS_PER_RUN],
    ][:CUSTOMERS_PER_RUN]
    checked = 0
    for customer in rows:
        if shutdown.is_shutting_down():
            break
        try:
            checked += run_logged(partial(resync_payment_methods, customer), what=f"cards of {customer}")
        except StripeUnavailable:
            log.warning("card_checks_stopped", customer=customer.stripe_customer_id)
            break
        StripeCustomer.objects.filter(pk=customer.pk).update(cards_checked_at=at)
    return checked
