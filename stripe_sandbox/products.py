"""Products and prices, as much as one-off payments need: https://docs.stripe.com/api/products."""

from decimal import Decimal
from typing import Any

from stripe_sandbox import money, paging
from stripe_sandbox.endpoint_call import Call, Routes, assign, refer
from stripe_sandbox.errors import InvalidParameter, InvalidState, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

CHANGEABLE = [
    "active", "default_price", "description", "images", "marketing_features", "metadata", "name",
    "package_dimensions", "shippable", "statement_descriptor", "tax_code", "unit_label", "url",
]  # fmt: skip


def create_product(call: Call) -> Obj:
    params = call.params
    product = make_product(call.state, params)
    call.state.emit("product.created", product)
    if params.get("default_price_data"):
        price = make_price(call.state, params["default_price_data"], product)
        call.state.emit("price.created", price)
        product["default_price"] = price["id"]
    return product


def update_product(call: Call) -> Obj:
    product = retrieve_product(call)
    _check_default_price(call, product)
    with call.state.updating("product.updated", product):
        assign(product, call.params, CHANGEABLE)
        product["updated"] = call.state.now
    return product


def retrieve_product(call: Call) -> Obj:
    product = call.target(call.state.store.products)
    if product.get("deleted"):
        raise no_such("product", product["id"], "id", in_path=True)
    return product


def delete_product(call: Call) -> Obj:
    """Delete a product; one with prices can only be archived."""
    product = retrieve_product(call)
    if any(price["product"] == product["id"] for price in call.state.store.prices):
        raise InvalidState(
            "This product cannot be deleted because it has one or more user-created prices. You can set `active` to "
            "false to archive it instead."
        )
    call.state.emit("product.deleted", product)
    stub = {"id": product["id"], "object": "product", "deleted": True}
    product.clear()
    product.update(stub)
    return product


def list_products(call: Call) -> Obj:
    ids = call.params.get("ids")

    def is_listed(product: Obj) -> bool:
        return ids is None or product["id"] in ids

    return paging.page(
        call.state.store.products,
        call.path,
        call.params,
        "active",
        "url",
        "shippable",
        "type",
        keep=is_listed,
    )


def create_price(call: Call) -> Obj:
    state, params = call.state, call.params
    if "product" in params:
        product = refer(state.store.products, params["product"], "product")
    elif "product_data" in params:
        product = make_product(state, params["product_data"])
        state.emit("product.created", product)
    else:
        raise InvalidParameter(
            "You must provide `product` or `product_data`.", code="parameter_missing", param="product"
        )
    price = make_price(state, params, product)
    state.emit("price.created", price)
    return price


def update_price(call: Call) -> Obj:
    """Change what is not the price itself; the amount and the currency stay for good."""
    price, params = call.target(call.state.store.prices), call.params
    behavior = params.get("tax_behavior", price["tax_behavior"])
    if behavior != price["tax_behavior"] and price["tax_behavior"] != "unspecified":
        message = f"The tax behavior of a price can't change once it is {price['tax_behavior']}."
        raise InvalidParameter(message, param="tax_behavior")
    _take_lookup_key(call.state, params, price)
    with call.state.updating("price.updated", price):
        assign(price, params, ["active", "lookup_key", "metadata", "nickname", "tax_behavior"])
    return price


def retrieve_price(call: Call) -> Obj:
    return call.target(call.state.store.prices)


def list_prices(call: Call) -> Obj:
    keys, recurring = call.params.get("lookup_keys"), call.params.get("recurring", {})

    def is_listed(price: Obj) -> bool:
        named = keys is None or price["lookup_key"] in keys
        return named and all((price["recurring"] or {}).get(name) == recurring[name] for name in recurring)

    return paging.page(
        call.state.store.prices,
        call.path,
        call.params,
        "active",
        "product",
        "currency",
        "type",
        keep=is_listed,
    )


def make_product(state: SandboxState, params: dict[str, Any]) -> Obj:
    """Store a product; refuse an id that is taken."""
    if params.get("id") in state.store.products:
        raise InvalidParameter("Product already exists.", code="resource_already_exists")
    return state.store.products.add(
        {
            "id": params.get("id") or state.ids.new("prod", 14),
            "object": "product",
            "active": params.get("active", True),
            "created": state.now,
            "default_price": None,
            "description": params.get("description"),
            "images": params.get("images", []),
            "livemode": False,
            "marketing_features": params.get("marketing_features", []),
            "metadata": dict(params.get("metadata") or {}),
            "name": params["name"],
            "package_dimensions": params.get("package_dimensions") or None,
            "shippable": params.get("shippable"),
            "statement_descriptor": params.get("statement_descriptor"),
            "tax_code": params.get("tax_code"),
            "type": params.get("type", "service"),
            "unit_label": params.get("unit_label"),
            "updated": state.now,
            "url": params.get("url"),
        }
    )


def make_price(state: SandboxState, params: dict[str, Any], product: Obj) -> Obj:
    """Store a price; refuse fractions of a minor unit, which can't be charged alone."""
    currency = money.check_currency(params["currency"])
    recurring = params.get("recurring")
    amount = _unit_amount(params)
    _take_lookup_key(state, params)
    return state.store.prices.add(
        {
            "id": state.ids.new("price"),
            "object": "price",
            "active": params.get("active", True),
            "billing_scheme": "per_unit",
            "created": state.now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": params.get("lookup_key"),
            "metadata": dict(params.get("metadata") or {}),
            "nickname": params.get("nickname"),
            "product": product["id"],
            "recurring": _recurring(recurring) if recurring else None,
            "tax_behavior": params.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )


def _take_lookup_key(state: SandboxState, params: dict[str, Any], taker: Obj | None = None) -> None:
    """Refuse a key of another price, or take it from that price."""
    key = params.get("lookup_key")
    owner = next((price for price in state.store.prices if key and price["lookup_key"] == key), None)
    if owner is None or owner is taker:
        return
    if not params.get("transfer_lookup_key"):
        message = f"A price (`{owner['id']}`) already uses that lookup key."
        raise InvalidParameter(message, param="lookup_key")
    with state.updating("price.updated", owner):
        owner["lookup_key"] = None


def _check_default_price(call: Call, product: Obj) -> None:
    price = call.referred(call.state.store.prices, "default_price")
    if price and price["product"] != product["id"]:
        message = f"The price {price['id']} belongs to another product."
        raise InvalidParameter(message, param="default_price")


def _recurring(params: dict[str, Any]) -> Obj:
    blank = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
    return blank | params


def _unit_amount(params: dict[str, Any]) -> int:
    value = params.get("unit_amount", params.get("unit_amount_decimal"))
    if value is None:
        raise InvalidParameter(
            "You must provide `unit_amount`.", code="parameter_missing", param="unit_amount"
        )
    amount = Decimal(value)
    if amount != amount.to_integral_value() or amount < 0:
        raise InvalidParameter(f"Invalid non-negative integer: {value}", param="unit_amount")
    return int(amount)


ROUTES: Routes = {
    "POST /v1/products": create_product,
    "GET /v1/products": list_products,
    "GET /v1/products/{id}": retrieve_product,
    "POST /v1/products/{id}": update_product,
    "DELETE /v1/products/{id}": delete_product,
    "POST /v1/prices": create_price,
    "GET /v1/prices": list_prices,
    "GET /v1/prices/{id}": retrieve_price,
    "POST /v1/prices/{id}": update_price,
}
