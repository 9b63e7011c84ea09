"""Customers: https://docs.stripe.com/api/customers."""

from typing import Any

from stripe_sandbox import paging, payment_methods
from stripe_sandbox.endpoint_call import Call, Routes, address, assign, refer, shipping
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

PLAIN = [
    "balance", "business_name", "description", "email", "individual_name", "invoice_prefix", "metadata",
    "name", "next_invoice_sequence", "phone", "preferred_locales", "tax_exempt",
]  # fmt: skip
TEST_NAMES = ("pm_card_", "pm_usBankAccount", "pm_sepaDebit")
DEFAULT_METHOD = "invoice_settings[default_payment_method]"
INVOICE_SETTINGS = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


def create(call: Call) -> Obj:
    state, params = call.state, call.params
    if params.get("source"):
        raise InvalidParameter(
            "The sandbox attaches cards as payment methods, not as sources.", param="source"
        )
    customer = _new_customer(state)
    settings = params.get("invoice_settings", {})
    default = settings.get("default_payment_method")
    _apply(state, customer, params | {"invoice_settings": settings | {"default_payment_method": ""}})
    methods = _first_methods(state, params.get("payment_method"), default)
    if default in methods:
        customer["invoice_settings"]["default_payment_method"] = methods[default]["id"]
    else:
        _check_default(state, customer, settings)
    state.store.customers.add(customer)
    state.emit("customer.created", customer)
    for method in methods.values():
        payment_methods.attach_to(state, method, customer["id"])
    return customer


def _first_methods(state: SandboxState, named: str | None, default: str | None) -> dict[str, Obj]:
    """Return the methods to attach to a new customer, by name: a default method may be a test's `pm_card_visa`."""
    is_test_name = default is not None and default.startswith(TEST_NAMES)
    methods = {
        name: payment_methods.resolve(state, name)
        for name in (named, default if is_test_name or default == named else None)
        if name
    }
    for method in methods.values():
        payment_methods.check_attachable(method)
    return methods


def make(state: SandboxState, params: dict[str, Any]) -> Obj:
    """Store a customer that Checkout created."""
    customer = _new_customer(state)
    _apply(state, customer, {name: value for name, value in params.items() if value})
    state.store.customers.add(customer)
    state.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.customers)


def update(call: Call) -> Obj:
    customer = existing_customer(call)
    before = customer["balance"]
    with call.state.updating("customer.updated", customer):
        _apply(call.state, customer, call.params)
        if customer["balance"] != before:
            customer["currency"] = customer["currency"] or call.state.settings.currency
            record_balance(call.state, customer, customer["balance"] - before)
    return customer


def record_balance(state: SandboxState, customer: Obj, amount: int) -> Obj:
    """Record a change of a customer's balance: https://docs.stripe.com/api/customer_balance_transactions."""
    return state.store.customer_balance_transactions.add(
        {
            "id": state.ids.new("cbtxn"),
            "object": "customer_balance_transaction",
            "amount": amount,
            "checkout_session": None,
            "created": state.now,
            "credit_note": None,
            "currency": customer["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "description": None,
            "ending_balance": customer["balance"],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "type": "adjustment",
        }
    )


def delete(call: Call) -> Obj:
    return remove(call.state, existing_customer(call))


def remove(state: SandboxState, customer: Obj) -> Obj:
    """Delete a customer; a stub with `deleted: true` stays."""
    state.emit("customer.deleted", customer)
    for method in state.store.payment_methods:
        if method["customer"] == customer["id"]:
            method |= {"customer": None, "_consumed_by": "a deleted customer"}
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    customer.clear()
    customer.update(stub)
    return customer


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.customers, call.path, call.params, "email")


def payment_methods_of(call: Call) -> Obj:
    customer = existing_customer(call)
    fields = call.params | {"customer": customer["id"]}
    return paging.page(
        call.state.store.payment_methods, call.path, fields, "customer", "type", "allow_redisplay"
    )


def payment_method_of(call: Call) -> Obj:
    customer = existing_customer(call)
    method = call.state.store.payment_methods.get(call.ids["payment_method"])
    if method is None or method["customer"] != customer["id"]:
        raise no_such("PaymentMethod", call.ids["payment_method"], "payment_method", in_path=True)
    return method


def existing_customer(call: Call) -> Obj:
    customer = call.target(call.state.store.customers)
    if customer.get("deleted"):
        raise no_such("customer", customer["id"], "id", in_path=True)
    return customer


def _new_customer(state: SandboxState) -> Obj:
    return {
        "id": state.ids.new("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": state.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": state.ids.text(8).upper(),
        "invoice_settings": dict(INVOICE_SETTINGS),
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _apply(state: SandboxState, customer: Obj, params: dict[str, Any]) -> None:
    email = params.get("email") or ""
    if not email.isascii():
        raise InvalidParameter(f"Invalid email address: {email}", code="email_invalid", param="email")
    settings = params.get("invoice_settings")
    if settings:
        _check_default(state, customer, settings)
        customer["invoice_settings"] |= {name: value or None for name, value in settings.items()}
    assign(customer, params, PLAIN)
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        customer["shipping"] = shipping(params["shipping"])


def _check_default(state: SandboxState, customer: Obj, settings: dict[str, Any]) -> None:
    method_id = settings.get("default_payment_method")
    if not method_id:
        return
    method = refer(state.store.payment_methods, method_id, DEFAULT_METHOD)
    if method["customer"] != customer["id"]:
        message = f"The customer does not have a payment method with the ID {method_id}. "
        message += "The payment method must be attached to the customer."
        raise InvalidParameter(message, code="resource_missing", param=DEFAULT_METHOD)


ROUTES: Routes = {
    "POST /v1/customers": create,
    "GET /v1/customers": list_,
    "GET /v1/customers/{id}": retrieve,
    "POST /v1/customers/{id}": update,
    "DELETE /v1/customers/{id}": delete,
    "GET /v1/customers/{id}/payment_methods": payment_methods_of,
    "GET /v1/customers/{id}/payment_methods/{payment_method}": payment_method_of,
}
