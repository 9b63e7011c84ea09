"""The lines of a Checkout Session: https://docs.stripe.com/api/checkout/sessions/line_items."""

from typing import Any

from stripe_sandbox import products
from stripe_sandbox.endpoint_call import refer
from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj


def lines_of(state: SandboxState, items: list[dict[str, Any]]) -> list[Obj]:
    """Return the lines with their prices; `price_data` creates a price."""
    return [_line(state, item, f"line_items[{index}]") for index, item in enumerate(items)]


def _line(state: SandboxState, item: dict[str, Any], where: str) -> Obj:
    price = _price(state, item, where)
    quantity = item.get("quantity", 1)
    if quantity < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParameter(message, code="parameter_invalid_integer", param=f"{where}[quantity]")
    product = state.store.products.get(price["product"])
    amount = price["unit_amount"] * quantity
    return {
        "id": state.ids.new("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"] if product else None,
        "metadata": dict(item.get("metadata") or {}),
        "price": price,
        "quantity": quantity,
    }


def _price(state: SandboxState, item: dict[str, Any], where: str) -> Obj:
    if "price" in item:
        price = refer(state.store.prices, item["price"], f"{where}[price]")
        if price["recurring"]:
            message = (
                "You specified `payment` mode but passed a recurring price. Switch to `subscription` mode."
            )
            raise InvalidParameter(message, param=f"{where}[price]")
        return price
    data = item.get("price_data")
    if data is None:
        message = f"You must specify either `price` or `price_data` for {where}."
        raise InvalidParameter(message, code="parameter_missing", param=where)
    if "product" in data:
        product = refer(state.store.products, data["product"], f"{where}[price_data][product]")
    elif "product_data" in data:
        # Stripe creates such a product for the session alone and archives it at once.
        product = products.make_product(state, data["product_data"] | {"active": False})
    else:
        name = f"{where}[price_data][product_data]"
        raise InvalidParameter(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return products.make_price(state, data | {"active": False}, product)
