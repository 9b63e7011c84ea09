"""Stripe's signature of an event is checked over the raw body, with each of our secrets.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

from collections.abc import Callable
from datetime import datetime

from estuary.payments.errors import BadSignature

SIGNATURE_TOLERANCE_S = 300


def verify(header: str, *, secrets: list[str], at: datetime, is_signed: Callable[[str, int], bool]) -> None:
    """Raise BadSignature unless ``is_signed`` accepts one of the secrets.

    ``is_signed`` gets a secret and the age in seconds at which a signature is too old. It accepts signatures dated in
    the future, so they are refused here.
    """
    if not header.isascii():
        raise BadSignature("The signature header has characters that no signature has.")
    if not any(is_signed(secret, SIGNATURE_TOLERANCE_S) for secret in secrets):
        raise BadSignature("The signature does not fit the body. Check STRIPE_WEBHOOK_SECRET.")
    _refuse_future(header, at)


def _refuse_future(header: str, at: datetime) -> None:
    signed_at = next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
    if signed_at > at.timestamp() + SIGNATURE_TOLERANCE_S:
        raise BadSignature("The signature is dated in the future. Check the clocks.")
