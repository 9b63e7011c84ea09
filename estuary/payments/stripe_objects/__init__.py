"""Stripe's objects: the few fields that we use, as frozen dataclasses; the same from an event and from a call."""

from estuary.payments.stripe_objects.charges import Charge, StripeDispute, StripeFraudNotice, StripeRefund
from estuary.payments.stripe_objects.customers import Customer, Owner
from estuary.payments.stripe_objects.fields import Json, id_of
from estuary.payments.stripe_objects.payment_methods import (
    Card,
    OtherPaymentMethod,
    UsedMethod,
    parse_payment_method,
)
from estuary.payments.stripe_objects.payments import CheckoutSession, Decline, Intent, Setup, parse_decline

__all__ = [
    "Card",
    "Charge",
    "CheckoutSession",
    "Customer",
    "Decline",
    "Intent",
    "Json",
    "OtherPaymentMethod",
    "Owner",
    "Setup",
    "StripeDispute",
    "StripeFraudNotice",
    "StripeRefund",
    "UsedMethod",
    "id_of",
    "parse_decline",
    "parse_payment_method",
]
