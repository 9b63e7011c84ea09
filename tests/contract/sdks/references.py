"""Fill in what earlier calls answered: `$paid` is its id, `$paid.latest_charge` one of its fields."""

from typing import Any


def filled(value: Any, saved: dict[str, Any]) -> Any:
    """Return a value with its references replaced, at any depth."""
    if isinstance(value, str) and value.startswith("$"):
        name, *path = value[1:].split(".")
        node = saved[name]
        for part in path or ["id"]:
            node = node[int(part)] if part.isdecimal() else node[part]
        return node
    if isinstance(value, dict):
        return {key: filled(item, saved) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, saved) for item in value]
    return value
