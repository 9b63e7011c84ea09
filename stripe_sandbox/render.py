"""Renders stored objects as responses: expansion, and the fields of an API version."""

from collections.abc import Iterable
from typing import Any

from stripe_sandbox import versions
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.public_view import public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

MAX_DEPTH = 4

# Fields that `expand` replaces with the object they name: https://docs.stripe.com/api/expanding_objects.
EXPANDABLE: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "payment_intent": "customer latest_charge payment_method review on_behalf_of application",
        "setup_intent": "customer latest_attempt payment_method mandate single_use_mandate on_behalf_of "
        "application",
        "setup_attempt": "customer payment_method setup_intent on_behalf_of application",
        "charge": "customer balance_transaction payment_intent failure_balance_transaction review "
        "on_behalf_of application application_fee source_transfer transfer",
        "refund": "charge payment_intent balance_transaction failure_balance_transaction transfer_reversal "
        "source_transfer_reversal",
        "dispute": "charge payment_intent",
        "payment_method": "customer",
        "customer": "default_source test_clock",
        "invoice_settings": "default_payment_method",
        "checkout.session": "customer payment_intent setup_intent payment_link subscription invoice",
        "balance_transaction": "source",
        "price": "product",
        "product": "default_price tax_code",
        "token": "",
        "event": "",
        "card": "customer account",
    }.items()
}

# Fields that are absent until `expand` asks for them.
INCLUDABLE = {
    "charge": frozenset(["refunds"]),
    "checkout.session": frozenset(["line_items"]),
    "customer": frozenset(["sources", "subscriptions", "tax_ids", "tax"]),
}

ExpandTree = dict[str, Any]


def expand_tree(paths: Iterable[str]) -> ExpandTree:
    """Turn `["data.customer", "latest_charge"]` into nested dictionaries."""
    tree: ExpandTree = {}
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            message = f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}"
            raise InvalidParameter(message, param="expand")
        node = tree
        for part in parts:
            node = node.setdefault(part, {})
    return tree


class Renderer:
    """Renders objects for one request."""

    def __init__(self, state: SandboxState, version: str, tree: ExpandTree | None = None) -> None:
        self._state, self._version, self._tree = state, version, tree or {}

    def __call__(self, obj: Obj) -> Obj:
        return self._render(obj, self._tree, "")

    def _render(self, obj: Obj, tree: ExpandTree, path: str) -> Obj:
        if obj.get("object") == "list":
            return self._render_list(obj, tree, path)
        rendered = versions.adapt(public(obj), self._version)
        for name, subtree in tree.items():
            self._expand(obj, rendered, name, subtree, f"{path}.{name}" if path else name)
        return rendered

    def _render_list(self, obj: Obj, tree: ExpandTree, path: str) -> Obj:
        other = next((name for name in tree if name != "data"), None)
        if other:
            raise InvalidState(f"This property cannot be expanded ({path + other}).", param="expand")
        items, below = tree.get("data", {}), f"{path}.data" if path else "data"
        return obj | {"data": [self._render(item, items, below) for item in obj["data"]]}

    def _expand(self, obj: Obj, rendered: Obj, name: str, tree: ExpandTree, path: str) -> None:
        kind = obj.get("object", "")
        if name in INCLUDABLE.get(kind, ()):
            rendered[name] = self._render(self._state.include(obj, name), tree, path)
        elif name in EXPANDABLE.get(kind, ()) or name in EXPANDABLE["invoice_settings"]:
            target = self._state.store.find(obj.get(name))
            if target is not None:
                rendered[name] = self._render(target, tree, path)
        elif isinstance(obj.get(name), dict) and tree:
            rendered[name] = self._render(obj[name], tree, path)
        else:
            raise InvalidState(f"This property cannot be expanded ({path}).", param="expand")
