"""Payment methods: https://docs.stripe.com/api/payment_methods."""

from typing import Any

from stripe_sandbox import bank_accounts, cards, paging, tokens
from stripe_sandbox.card_details import card_fields, check_card, preferred_network, year_of
from stripe_sandbox.endpoint_call import Call, Routes, address, assign
from stripe_sandbox.errors import CardError, InvalidParameter, InvalidState, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CONSUMED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
    "shared with a connected account without Customer attachment, or was detached from a Customer. It may "
    "not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
)


def create(call: Call) -> Obj:
    return make(call.state, call.params)


def retrieve(call: Call) -> Obj:
    """Return a method; a test name such as `pm_card_visa` is a method too."""
    return resolve(call.state, call.ids["id"], in_path=True)


def update(call: Call) -> Obj:
    method, params = call.target(call.state.store.payment_methods), call.params
    if method["customer"] is None:
        raise InvalidState("You must save this PaymentMethod to a customer before you can update it.")
    with call.state.updating("payment_method.updated", method):
        assign(method, params, ["metadata", "allow_redisplay"])
        if "billing_details" in params:
            method["billing_details"] = billing_details(params["billing_details"], method["billing_details"])
        for kind in ("card", "us_bank_account"):
            if kind in params:
                _update_details(method, kind, params[kind])
    return method


def _update_details(method: Obj, kind: str, changes: Obj) -> None:
    if method["type"] != kind:
        raise InvalidParameter(f"This PaymentMethod is of type {method['type']}, not {kind}.", param=kind)
    networks = changes.pop("networks", None)
    method[kind] |= changes
    if networks:
        method[kind]["networks"] |= networks


def attach(call: Call) -> Obj:
    method = resolve(call.state, call.ids["id"], in_path=True)
    customer = call.referred(call.state.store.customers, "customer")
    if customer is None:
        raise InvalidParameter(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    if method["customer"] == customer["id"]:
        return method
    check_attachable(method)
    return attach_to(call.state, method, customer["id"])


def detach(call: Call) -> Obj:
    return detach_from_customer(call.state, call.target(call.state.store.payment_methods))


def list_(call: Call) -> Obj:
    """List the methods of a customer; without one the list is empty."""
    customer = call.referred(call.state.store.customers, "customer")
    table = call.state.store.payment_methods
    return paging.page(
        table,
        call.path,
        call.params,
        "customer",
        "type",
        "allow_redisplay",
        keep=lambda _: customer is not None,
    )


def resolve(
    state: SandboxState, method_id: str, param: str = "payment_method", *, in_path: bool = False
) -> Obj:
    """Return a payment method by id; a test name such as `pm_card_visa` creates a new one each time."""
    card, account = cards.by_name(method_id), bank_accounts.by_name(method_id)
    if method_id.startswith("pm_card_") and card:
        return add(state, "card", card_fields(card, 12, year_of(state) + 1, cvc=False), {})
    if account:
        return add(state, account.method, _bank_fields(account, {}), {})
    method = state.store.payment_methods.get(method_id)
    if method is None:
        raise no_such("PaymentMethod", method_id, param, in_path=in_path)
    return method


def make(state: SandboxState, params: dict[str, Any]) -> Obj:
    """Create from `type` with a raw card, a token or a bank account, as Stripe.js does."""
    if params.get("payment_method") and params.get("customer"):
        raise InvalidParameter("Cloning payment methods is for connected accounts.", param="payment_method")
    kind = params.get("type")
    if kind is None:
        raise InvalidParameter("Missing required param: type.", code="parameter_missing", param="type")
    details = params.get(kind)
    if kind == "card":
        return add(state, kind, _card_from(state, details), params)
    if kind in bank_accounts.DEFAULT:
        return add(state, kind, _bank_from(kind, details if isinstance(details, dict) else {}), params)
    raise InvalidParameter(f"The sandbox has no payment methods of type {kind}.", param="type")


def check_attachable(method: Obj) -> None:
    """Refuse a method of another customer, a consumed one, and one that its bank declines to save."""
    if method["customer"] is not None:
        raise InvalidState(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
            payment_method=method["id"],
        )
    if method.get("_consumed_by"):
        raise InvalidState(CONSUMED)
    card = cards.by_number(method["_number"]) if method["type"] == "card" else None
    if card and card.decline and not card.attachable:
        raise declined(card.decline)


def attach_to(state: SandboxState, method: Obj, customer_id: str) -> Obj:
    """Attach a method to a customer, which makes it reusable."""
    method["customer"] = customer_id
    record_checks(method)
    state.emit("payment_method.attached", method)
    return method


def detach_from_customer(state: SandboxState, method: Obj, *, names_customer: bool = True) -> Obj:
    """Detach a method from its customer; it can never be used again.

    Not every event names the customer: https://docs.stripe.com/api/events/types
    """
    owner = state.store.customers.get(method["customer"])
    if owner is None:
        raise InvalidState(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    if owner["invoice_settings"]["default_payment_method"] == method["id"]:
        owner["invoice_settings"]["default_payment_method"] = None
    method |= {"customer": None, "_consumed_by": "detachment"}
    state.emit("payment_method.detached", method, {"customer": owner["id"]} if names_customer else None)
    return method


def record_checks(method: Obj) -> None:
    """Fill in the bank's checks of the security code and the address, as known after the first charge."""
    if method["type"] != "card":
        return
    card, checks = cards.by_number(method["_number"]), method["card"]["checks"]
    place = method["billing_details"]["address"]
    checks["cvc_check"] = card.cvc_check if method["_cvc_given"] else None
    checks["address_postal_code_check"] = card.postal_code_check if place["postal_code"] else None
    checks["address_line1_check"] = card.line1_check if place["line1"] else None


def declined(decline: cards.Decline, **extra: Any) -> CardError:
    """Return the 402 of a decline: https://docs.stripe.com/api/errors."""
    more = {"decline_code": decline.decline_code, **extra}
    codes = {"advice_code": decline.advice, "network_decline_code": decline.network_code}
    more |= {name: code for name, code in codes.items() if code}
    return CardError(decline.message, code=decline.code, param=decline.param, **more)


def billing_details(params: Any, before: Obj | None = None) -> Obj:
    """Return billing details with all their fields."""
    blank = before or {
        "address": address({"line1": None}),
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }
    params = params or {}
    merged = blank | {k: v or None for k, v in params.items() if k != "address"}
    merged["address"] = (blank["address"] or {}) | (address(params.get("address")) or {})
    return merged


def _card_from(state: SandboxState, details: Any) -> Obj:
    if not isinstance(details, dict):
        raise InvalidParameter("Missing required param: card.", code="parameter_missing", param="card")
    if "token" in details:
        return tokens.spend(state, details["token"], "card[token]")
    card, month, year = check_card(state, details)
    return card_fields(card, month, year, cvc=bool(details.get("cvc")), network=preferred_network(details))


def _bank_from(kind: str, details: dict[str, Any]) -> Obj:
    name = "account_number" if kind == "us_bank_account" else "iban"
    number = details.get(name) or bank_accounts.DEFAULT[kind]
    return _bank_fields(bank_accounts.by_number(number.replace(" ", "").upper(), kind), details)


def _bank_fields(account: bank_accounts.TestAccount, details: dict[str, Any]) -> Obj:
    if account.method == "sepa_debit":
        part: Obj = {
            "bank_code": account.number[4:12],
            "branch_code": "",
            "country": account.country,
            "fingerprint": account.fingerprint,
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": account.last4,
        }
    else:
        part = {
            "account_holder_type": details.get("account_holder_type", "individual"),
            "account_type": details.get("account_type", "checking"),
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "fingerprint": account.fingerprint,
            "last4": account.last4,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": details.get("routing_number", "110000000"),
            "status_details": {},
        }
    return {account.method: part, "_number": account.number}


def add(state: SandboxState, kind: str, parts: Obj, params: dict[str, Any]) -> Obj:
    """Store a payment method of a type with its parts, which may name its id."""
    method = {
        "id": state.ids.new("pm"),
        "object": "payment_method",
        "allow_redisplay": params.get("allow_redisplay", "unspecified"),
        "billing_details": billing_details(params.get("billing_details")),
        "created": state.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": dict(params.get("metadata") or {}),
        "radar_options": {},
        "shared_payment_granted_token": None,
        "type": kind,
        "_set_up": False,
        "_consumed_by": None,
        **parts,
    }
    return state.store.payment_methods.add(method)


ROUTES: Routes = {
    "POST /v1/payment_methods": create,
    "GET /v1/payment_methods": list_,
    "GET /v1/payment_methods/{id}": retrieve,
    "POST /v1/payment_methods/{id}": update,
    "POST /v1/payment_methods/{id}/attach": attach,
    "POST /v1/payment_methods/{id}/detach": detach,
}
