"""Decodes Stripe's form encoding, `a[b][0][c]=value`, into nested dictionaries."""

import re
from typing import Any
from urllib.parse import parse_qsl

from stripe_sandbox.errors import InvalidParameter

PART = re.compile(r"\[([^\[\]]*)\]")


def decode(text: str) -> dict[str, Any]:
    """Return the tree of a form or query; lists are dictionaries by position until a schema types them."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        parts = [head, *PART.findall(bracket + rest)] if bracket else [name]
        _put(tree, parts, value, name)
    return tree


def _put(tree: dict[str, Any], parts: list[str], value: str, name: str) -> None:
    node = tree
    for part in parts[:-1]:
        child = node.setdefault(_slot(node, part), {})
        if not isinstance(child, dict):
            raise InvalidParameter(
                f"Invalid request: {name} is given both as a value and as a hash.", param=parts[0]
            )
        node = child
    node[_slot(node, parts[-1])] = value


def _slot(node: dict[str, Any], part: str) -> str:
    return part if part else str(len(node))
