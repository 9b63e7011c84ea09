"""Card details: checked as a request sends them, and laid out as a payment method holds them."""

import time
from typing import Any

from stripe_sandbox import cards
from stripe_sandbox.errors import CardError, InvalidParameter
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj


def check_card(state: SandboxState, details: dict[str, Any]) -> tuple[cards.TestCard, int, int]:
    """Return the card, month and year of raw card data; invalid details are a card error."""
    for name in ("number", "exp_month", "exp_year"):
        if name not in details:
            where = f"card[{name}]"
            raise InvalidParameter(f"Missing required param: {where}.", code="parameter_missing", param=where)
    number = str(details["number"]).replace(" ", "").replace("-", "")
    month, year = _integer(details["exp_month"], "month"), _integer(details["exp_year"], "year")
    year += 2000 if year < 100 else 0
    if not number.isdigit() or not 12 <= len(number) <= 19 or not cards.passes_luhn(number):
        raise CardError("Your card number is incorrect.", code="incorrect_number", param="number")
    this_year, this_month = time.gmtime(state.now)[:2]
    if not 1 <= month <= 12 or (year == this_year and month < this_month):
        raise CardError(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )
    if not this_year <= year <= this_year + 50:
        raise CardError(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    card, cvc = cards.by_number(number), str(details.get("cvc") or "")
    if cvc and (not cvc.isdigit() or len(cvc) != (4 if card.brand == "amex" else 3)):
        raise CardError("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    return card, month, year


def preferred_network(details: dict[str, Any]) -> str | None:
    """Return the network that a co-branded card's owner has chosen."""
    network: str | None = (details.get("networks") or {}).get("preferred")
    return network


def _integer(value: Any, part: str) -> int:
    try:
        return int(value)
    except ValueError:
        message = f"Your card's expiration {part} is invalid."
        raise CardError(message, code=f"invalid_expiry_{part}", param=f"exp_{part}") from None


def year_of(state: SandboxState) -> int:
    return time.gmtime(state.now).tm_year


def card_fields(
    card: cards.TestCard, exp_month: int, exp_year: int, *, cvc: bool, network: str | None = None
) -> Obj:
    """Return the `card` part of a payment method, and the sandbox's own keys."""
    return {
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "unchecked" if cvc else None,
            },
            "country": card.country,
            "display_brand": "american_express" if card.brand == "amex" else card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": network},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": card.brand != "amex"},
            "wallet": None,
        },
        "_number": card.number,
        "_cvc_given": cvc,
    }
