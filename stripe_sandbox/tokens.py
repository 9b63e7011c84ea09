"""Tokens of cards: https://docs.stripe.com/api/tokens."""

from typing import Any

from stripe_sandbox import cards
from stripe_sandbox.card_details import card_fields, check_card, preferred_network, year_of
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.errors import InvalidParameter, InvalidState, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

BRANDS = {
    "visa": "Visa", "mastercard": "MasterCard", "amex": "American Express", "discover": "Discover",
    "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay",
}  # fmt: skip
ADDRESS = [
    "address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip",
    "name",
]  # fmt: skip


def create(call: Call) -> Obj:
    details = call.params.get("card")
    if not isinstance(details, dict):
        raise InvalidParameter(
            "You must supply a card to make a token of.", code="parameter_missing", param="card"
        )
    card, month, year = check_card(call.state, details)
    return call.state.store.tokens.add(_token(call.state, card, month, year, details))


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.tokens)


def spend(state: SandboxState, token_id: str, param: str) -> Obj:
    """Consume a token for the parts of a payment method; names such as `tok_visa` work any number of times."""
    named = cards.by_name(token_id) if token_id.startswith("tok_") else None
    if named:
        return card_fields(named, 12, year_of(state) + 1, cvc=True)
    token = state.store.tokens.get(token_id)
    if token is None:
        raise no_such("token", token_id, param)
    if token["used"]:
        message = f"You cannot use a Stripe token more than once: {token_id}."
        raise InvalidState(message, code="token_already_used", param=param)
    token["used"] = True
    card = cards.by_number(token["_number"])
    year, month = token["card"]["exp_year"], token["card"]["exp_month"]
    network = token["card"]["networks"]["preferred"]
    return card_fields(card, month, year, cvc=token["_cvc_given"], network=network)


def _token(state: SandboxState, card: cards.TestCard, month: int, year: int, details: dict[str, Any]) -> Obj:
    return {
        "id": state.ids.new("tok"),
        "object": "token",
        "card": {name: details.get(name) for name in ADDRESS}
        | {
            "id": state.ids.new("card"),
            "object": "card",
            "address_line1_check": "unchecked" if details.get("address_line1") else None,
            "address_zip_check": "unchecked" if details.get("address_zip") else None,
            "allow_redisplay": "unspecified",
            "brand": BRANDS.get(card.brand, "Unknown"),
            "country": card.country,
            "cvc_check": "unchecked" if details.get("cvc") else None,
            "dynamic_last4": None,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "issuer": "Stripe Test Bank",
            "last4": card.last4,
            "metadata": {},
            "networks": {"preferred": preferred_network(details)},
            "regulated_status": "unregulated",
            "tokenization_method": None,
        },
        "client_ip": "127.0.0.1",
        "created": state.now,
        "livemode": False,
        "type": "card",
        "used": False,
        "_number": card.number,
        "_cvc_given": bool(details.get("cvc")),
    }


ROUTES: Routes = {"POST /v1/tokens": create, "GET /v1/tokens/{id}": retrieve}
