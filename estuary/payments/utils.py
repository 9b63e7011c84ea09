"""The beginning of a payment, by the names that the specification gives: the bodies are in ``checkout``."""

from estuary.payments.checkout.create_order import create_order
from estuary.payments.checkout.metadata import build_metadata
from estuary.payments.checkout.stripe_creation import create_checkout_session, create_payment_intent

__all__ = ["build_metadata", "create_checkout_session", "create_order", "create_payment_intent"]
