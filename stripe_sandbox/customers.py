"""Customers: https://docs.stripe.com/api/customers."""

from typing import Any

from stripe_sandbox import paging, payment_methods
from stripe_sandbox.endpoint_call import Call, Routes, address, assign, refer, shipping
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.state import World
from stripe_sandbox.store import Obj

PLAIN = [
    "balance", "business_name", "description", "email", "individual_name", "invoice_prefix", "metadata",
    "name", "next_invoice_sequence", "phone", "preferred_locales", "tax_exempt",
]  # fmt: skip
INVOICE_SETTINGS = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


def create(call: Call) -> Obj:
    world, params = call.world, call.params
    if params.get("source"):
        raise InvalidParameter(
            "The sandbox attaches cards as payment methods, not as sources.", param="source"
        )
    customer = _blank(world)
    _apply(world, customer, params)
    method_id = params.get("payment_method")
    method = payment_methods.resolve(world, method_id) if method_id else None
    if method:
        payment_methods.check_attachable(method)
    world.store.customers.add(customer)
    world.emit("customer.created", customer)
    if method:
        payment_methods.attach_to(world, method, customer["id"])
    return customer


def make(world: World, params: dict[str, Any]) -> Obj:
    """Store a customer that Checkout made."""
    customer = _blank(world)
    _apply(world, customer, {name: value for name, value in params.items() if value})
    world.store.customers.add(customer)
    world.emit("customer.created", customer)
    return customer


def retrieve(call: Call) -> Obj:
    return call.target(call.world.store.customers)


def update(call: Call) -> Obj:
    customer = _living(call)
    with call.world.updating("customer.updated", customer):
        _apply(call.world, customer, call.params)
    return customer


def delete(call: Call) -> Obj:
    return remove(call.world, _living(call))


def remove(world: World, customer: Obj) -> Obj:
    """Delete for good: what is left says only that it was there."""
    world.emit("customer.deleted", customer)
    for method in world.store.payment_methods:
        if method["customer"] == customer["id"]:
            method |= {"customer": None, "_consumed_by": "a deleted customer"}
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    customer.clear()
    customer.update(stub)
    return customer


def list_(call: Call) -> Obj:
    return paging.page(call.world.store.customers, call.path, call.params, "email")


def payment_methods_of(call: Call) -> Obj:
    customer = _living(call)
    fields = call.params | {"customer": customer["id"]}
    return paging.page(call.world.store.payment_methods, call.path, fields, "customer", "type")


def payment_method_of(call: Call) -> Obj:
    customer = _living(call)
    method = call.world.store.payment_methods.get(call.ids["payment_method"])
    if method is None or method["customer"] != customer["id"]:
        raise no_such("PaymentMethod", call.ids["payment_method"], "payment_method", in_path=True)
    return method


def _living(call: Call) -> Obj:
    customer = call.target(call.world.store.customers)
    if customer.get("deleted"):
        raise no_such("customer", customer["id"], "id", in_path=True)
    return customer


def _blank(world: World) -> Obj:
    return {
        "id": world.ids.new("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": world.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": world.ids.text(8).upper(),
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


def _apply(world: World, customer: Obj, params: dict[str, Any]) -> None:
    settings = params.get("invoice_settings")
    if settings:
        _check_default(world, customer, settings)
        customer["invoice_settings"] |= {name: value or None for name, value in settings.items()}
    assign(customer, params, PLAIN)
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        customer["shipping"] = shipping(params["shipping"])


def _check_default(world: World, customer: Obj, settings: dict[str, Any]) -> None:
    method_id = settings.get("default_payment_method")
    if not method_id:
        return
    method = refer(world.store.payment_methods, method_id, "invoice_settings[default_payment_method]")
    if method["customer"] != customer["id"]:
        message = f"The customer does not have a payment method with the ID {method_id}. "
        message += "The payment method must be attached to the customer."
        raise InvalidParameter(
            message, code="resource_missing", param="invoice_settings[default_payment_method]"
        )


ROUTES: Routes = {
    "POST /v1/customers": create,
    "GET /v1/customers": list_,
    "GET /v1/customers/{id}": retrieve,
    "POST /v1/customers/{id}": update,
    "DELETE /v1/customers/{id}": delete,
    "GET /v1/customers/{id}/payment_methods": payment_methods_of,
    "GET /v1/customers/{id}/payment_methods/{payment_method}": payment_method_of,
}
