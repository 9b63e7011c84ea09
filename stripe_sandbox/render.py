"""Renders stored objects as responses, with what `expand` asks for."""

from collections.abc import Iterable
from typing import Any

from stripe_sandbox.public_view import public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

ExpandTree = dict[str, Any]


def expand_tree(paths: Iterable[str]) -> ExpandTree:
    """Turn `["data.customer", "latest_charge"]` into nested dictionaries."""
    tree: ExpandTree = {}
    for path in paths:
        node = tree
        for part in path.split("."):
            node = node.setdefault(part, {})
    return tree


class Renderer:
    """Renders objects for one request, whose `expand` was checked before."""

    def __init__(self, state: SandboxState, tree: ExpandTree) -> None:
        self._state, self._tree = state, tree

    def __call__(self, obj: Obj) -> Obj:
        return self._render(obj, self._tree)

    def _render(self, obj: Obj, tree: ExpandTree) -> Obj:
        if obj.get("object") in ("list", "search_result"):
            items = [self._render(item, tree.get("data", {})) for item in obj["data"]]
            total = {"total_count": obj["_total_count"]} if "total_count" in tree else {}
            return {name: value for name, value in obj.items() if name[0] != "_"} | {"data": items} | total
        rendered = public(obj)
        for name, subtree in tree.items():
            self._expand(obj, rendered, name, subtree)
        return rendered

    def _expand(self, obj: Obj, rendered: Obj, name: str, tree: ExpandTree) -> None:
        included = self._state.include(obj, name)
        value = obj.get(name) if included is None else included
        if isinstance(value, str):
            value = self._state.store.find(value)
        if isinstance(value, dict):
            rendered[name] = self._render(value, tree)
        elif isinstance(value, list) and tree:
            rendered[name] = [self._render(item, tree) if isinstance(item, dict) else item for item in value]
