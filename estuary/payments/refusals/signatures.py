"""Why a signature is refused: https://docs.stripe.com/webhooks#verify-manually.

Each reason has its own sentence, which Stripe's dashboard shows beside the failed delivery.
"""

from datetime import datetime

from estuary.payments.errors import BadSignature

TOLERANCE_S = 300
# A Unix time has ten digits. Python refuses to read a number of thousands.
TIME_MAX_DIGITS = 12
NO_HEADER, MALFORMED, NO_SECRET_FITS = "no_header", "malformed_header", "no_secret_fits"
TOO_OLD, TOO_NEW = "too_old", "too_new"
SENTENCES = {
    NO_HEADER: "There is no Stripe-Signature header: this is no event of Stripe's, or a proxy removes the header.",
    MALFORMED: "The Stripe-Signature header is none that Stripe sends: t=…,v1=…",
    NO_SECRET_FITS: "The signature does not fit the body. Check STRIPE_WEBHOOK_SECRET: is it that of this endpoint?",
    TOO_OLD: "The signature is older than five minutes. Check the clocks.",
    TOO_NEW: "The signature is dated in the future. Check the clocks.",
}


def refuse(reason: str) -> BadSignature:
    return BadSignature(reason, SENTENCES[reason])


def read_time(header: str) -> int:
    """Return when a header was signed; raises BadSignature for one that no signature has."""
    if not header:
        raise refuse(NO_HEADER)
    if not header.isascii():
        raise refuse(MALFORMED)
    parts = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    if not any(name == "v1" for name, _ in parts) or not times or not _is_time(times[0]):
        raise refuse(MALFORMED)
    return int(times[0])


def _is_time(text: str) -> bool:
    return text.isdecimal() and len(text) <= TIME_MAX_DIGITS


def refuse_old(signed_at: int, at: datetime) -> None:
    if signed_at < at.timestamp() - TOLERANCE_S:
        raise refuse(TOO_OLD)


def refuse_future(signed_at: int, at: datetime) -> None:
    """Raise BadSignature for a signature from the future, which the SDK would accept."""
    if signed_at > at.timestamp() + TOLERANCE_S:
        raise refuse(TOO_NEW)
