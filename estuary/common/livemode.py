"""Stripe's mode: in live mode money is real; test mode has objects of its own."""

from django.conf import settings


def is_live() -> bool:
    """Return whether STRIPE_SECRET_KEY is a live key. Source: https://docs.stripe.com/keys"""
    return "_live_" in settings.STRIPE_SECRET_KEY
