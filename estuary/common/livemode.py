"""Whether money is real: test mode is as another account of Stripe's, with objects of its own."""

from django.conf import settings


def is_live() -> bool:
    """Tell whether STRIPE_SECRET_KEY is of live mode. Source: https://docs.stripe.com/keys"""
    return "_live_" in settings.STRIPE_SECRET_KEY
