"""Payment methods other than cards are detached again, and their owner is notified.

The shop does not offer them, but staff may attach one in the dashboard, or an old payment may have saved one. It
would stay at Stripe and appear in no list of ours.
"""

from dataclasses import dataclass
from datetime import datetime

from estuary.common import clock
from estuary.payments import outbox
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.stripe_objects import OtherPaymentMethod


@dataclass(frozen=True, slots=True)
class OtherPaymentMethodAttached:
    """A payment method other than a card was attached to a customer."""

    method: OtherPaymentMethod
    at: datetime


def remove_other_payment_method(event: OtherPaymentMethodAttached) -> str:
    """Detach the payment method at Stripe and notify its owner, once; returns the outcome in words."""
    method = event.method
    owner = StripeCustomer.objects.filter(stripe_customer_id=method.customer_id or None).first()
    if owner is None:
        return "not ours"
    tombstone, is_created = PaymentMethod.objects.get_or_create(
        stripe_payment_method_id=method.id,
        defaults={
            "user_id": owner.user_id,
            "brand": method.type[:32],
            "last4": method.last4,
            "exp_month": 0,
            "exp_year": 0,
            "added_at": clock.from_timestamp(method.created),
            "synced_at": event.at,
            "detached_at": event.at,
            "detach_pending": True,
        },
    )
    if not is_created:
        return "stays removed"
    outbox.detach_cards([method.id])
    outbox.send_method_removed(owner.user_id, tombstone.last4)
    return "no card: removed again"
