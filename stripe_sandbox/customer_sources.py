"""Cards as sources of a customer, Stripe's older form of saved cards: https://docs.stripe.com/api/cards.

As at Stripe, such a card is a payment method too, under the same id.
"""

from stripe_sandbox import cards, paging, payment_methods, tokens
from stripe_sandbox.customers import existing_customer
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

ADDRESS = {
    "address_city": "city", "address_country": "country", "address_line1": "line1", "address_line2": "line2",
    "address_state": "state", "address_zip": "postal_code",
}  # fmt: skip
CHECKS = {
    "address_line1_check": "address_line1_check",
    "address_zip_check": "address_postal_code_check",
    "cvc_check": "cvc_check",
}


def create(call: Call) -> Obj:
    """Save the card of a token."""
    state, customer = call.state, existing_customer(call)
    parts = tokens.spend(state, call.params["source"], "source")
    card = cards.by_number(parts["_number"])
    if card.decline and not card.attachable:
        raise payment_methods.declined(card.decline)
    method = payment_methods.add(state, "card", parts | {"id": state.ids.new("card")}, call.params)
    method["customer"] = customer["id"]
    payment_methods.record_checks(method)
    state.emit("customer.source.created", card_of(method))
    with state.updating("customer.updated", customer):
        customer["default_source"] = customer["default_source"] or method["id"]
    return card_of(method)


def retrieve(call: Call) -> Obj:
    return card_of(_source(call))


def update(call: Call) -> Obj:
    method, params = _source(call), call.params
    before = card_of(method)
    method["card"] |= {name: int(params[name]) for name in ("exp_month", "exp_year") if name in params}
    assign(method, params, ["metadata"])
    assign(method["billing_details"], params, ["name"])
    for name, part in ADDRESS.items():
        if name in params:
            method["billing_details"]["address"][part] = params[name] or None
    after = card_of(method)
    changed = {name: value for name, value in before.items() if value != after[name]}
    if changed:
        call.state.emit("customer.source.updated", after, changed)
    return after


def delete(call: Call) -> Obj:
    state, method = call.state, _source(call)
    customer = existing_customer(call)
    state.emit("customer.source.deleted", card_of(method))
    method |= {"customer": None, "_consumed_by": "a deletion"}
    with state.updating("customer.updated", customer):
        if customer["default_source"] == method["id"]:
            customer["default_source"] = None
    return {"id": method["id"], "object": "card", "deleted": True}


def list_(call: Call) -> Obj:
    return paging.page_of(_cards_of(call.state, existing_customer(call)), call.path, call.params)


def card_of(method: Obj) -> Obj:
    """Return the card that a payment method is, in the older form."""
    card, billing = method["card"], method["billing_details"]
    taken = ("country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status")
    return (
        {name: card[name] for name in taken}
        | {name: billing["address"][part] for name, part in ADDRESS.items()}
        | {name: card["checks"][check] for name, check in CHECKS.items()}
        | {
            "id": method["id"],
            "object": "card",
            "allow_redisplay": method["allow_redisplay"],
            "brand": tokens.BRANDS.get(card["brand"], "Unknown"),
            "customer": method["customer"],
            "dynamic_last4": None,
            "metadata": dict(method["metadata"]),
            "name": billing["name"],
            "tokenization_method": None,
        }
    )


def sources_of(state: SandboxState, customer: Obj) -> Obj:
    """Return the list that `expand[]=sources` asks for."""
    return paging.page_of(_cards_of(state, customer), f"/v1/customers/{customer['id']}/sources")


def default_of(state: SandboxState, customer: Obj) -> Obj | None:
    """Return the card that `expand[]=default_source` asks for."""
    method = state.store.payment_methods.get(customer["default_source"])
    return card_of(method) if method else None


def _cards_of(state: SandboxState, customer: Obj) -> list[Obj]:
    owned = (one for one in state.store.payment_methods.newest_first() if one["customer"] == customer["id"])
    return [card_of(method) for method in owned if method["id"].startswith("card_")]


def _source(call: Call) -> Obj:
    customer, name = existing_customer(call), call.ids["source"]
    method = call.state.store.payment_methods.get(name)
    if method is None or method["customer"] != customer["id"] or not name.startswith("card_"):
        raise no_such("source", name, "id", in_path=True)
    return method


INCLUDES = {("customer", "default_source"): default_of, ("customer", "sources"): sources_of}
ROUTES: Routes = {
    "POST /v1/customers/{id}/sources": create,
    "GET /v1/customers/{id}/sources": list_,
    "GET /v1/customers/{id}/sources/{source}": retrieve,
    "POST /v1/customers/{id}/sources/{source}": update,
    "DELETE /v1/customers/{id}/sources/{source}": delete,
}
