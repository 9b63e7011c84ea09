"""Refuses by name what the tables do not have, and says of each of Stripe's parameters how it is treated."""

from collections.abc import Iterator
from typing import Any

from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.parameters.table import Modeled, Table

CODE = "sandbox_not_modeled"
ADVICE = "Leave it out, or try it in Stripe's own test mode."
UNSET: tuple[Any, ...] = ("", [], {})


class NotModeled(InvalidParameter):
    """A parameter of Stripe's that the sandbox would have to ignore: Stripe has neither the error nor the code."""

    has_page = False


def refuse_unmodeled(table: Table, params: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return the parameters that are modeled; refuse any other by name.

    Left out are an empty value of any other one, which unsets what was never set, and what Stripe assumes anyway.
    """
    kept: dict[str, Any] = {}
    for name, value in params.items():
        where = f"{path}[{name}]" if path else name
        modeled = table.get(name)
        if modeled is not None:
            part = _modeled_part(modeled, value, where)
            if modeled.how != "default" and (part not in UNSET or value in UNSET):
                kept[name] = part
        elif value not in UNSET:
            raise not_modeled(first_leaf(value, where))
    return kept


def _modeled_part(modeled: Modeled, value: Any, where: str) -> Any:
    if modeled.values is not None and value not in UNSET and as_text(value) not in modeled.values:
        raise not_modeled(where, modeled.values, as_text(value))
    if not modeled.fields:
        return value
    if isinstance(value, dict):
        return refuse_unmodeled(modeled.fields, value, where)
    if isinstance(value, list):
        return [_modeled_part(modeled, item, f"{where}[{index}]") for index, item in enumerate(value)]
    return value


def not_modeled(where: str, values: frozenset[str] | None = None, value: str = "") -> NotModeled:
    """Return the 400 for a parameter, or for a value of one that is taken with other values."""
    if values is None:
        return NotModeled(f"The sandbox does not model `{where}`. {ADVICE}", code=CODE, param=where)
    taken = " or ".join(f"`{one}`" for one in sorted(values))
    message = f"The sandbox does not model `{where}` as `{value}`, only as {taken}. {ADVICE}"
    return NotModeled(message, code=CODE, param=where)


def first_leaf(value: Any, where: str) -> str:
    """Return the full name of the first value inside a hash or list."""
    if isinstance(value, dict) and value:
        name, inner = next(iter(value.items()))
        return first_leaf(inner, f"{where}[{name}]")
    if isinstance(value, list) and value:
        return first_leaf(value[0], f"{where}[0]")
    return where


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def treatment(table: Table, schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, Modeled | None]]:
    """Yield each parameter of an endpoint's schema with its entry in the table; None: it is refused.

    The names of a hash's parameters are in brackets, and a list is written as its first item.
    """
    for name, node in schema["fields"].items():
        where = f"{path}[{name}]" if path else name
        yield from _treatment_of(table.get(name), node, where)


def _treatment_of(modeled: Modeled | None, node: Any, where: str) -> Iterator[tuple[str, Modeled | None]]:
    if isinstance(node, dict) and "unsettable" in node:
        yield from _treatment_of(modeled, node["unsettable"], where)
    elif isinstance(node, dict) and "list" in node:
        yield from _treatment_of(modeled, node["list"], f"{where}[0]")
    elif node == {"fields": {}}:
        # A form can't carry a hash without parameters.
        return
    elif isinstance(node, dict) and "fields" in node:
        yield from treatment(modeled.fields if modeled else {}, node, where)
    elif isinstance(node, dict) and "any_of" in node:
        # `created` is a time or a hash; two scalars are one parameter.
        leaves = dict(leaf for part in node["any_of"] for leaf in _treatment_of(modeled, part, where))
        yield from leaves.items()
    else:
        yield where, modeled
