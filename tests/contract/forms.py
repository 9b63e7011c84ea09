"""Read the nested forms that Stripe's clients send."""

import re
from typing import Any
from urllib.parse import parse_qsl


def decode(text: str) -> dict[str, Any]:
    """Return the parameters of a form or a query, with `a[b]` nested and `a[]` and `a[0]` as lists."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *inner = re.split(r"\]?\[|\]$", name)
        keys = [head, *(key for index, key in enumerate(inner) if key or index < len(inner) - 1)]
        _put(params, keys, value)
    return {key: _listed(value) for key, value in params.items()}


def _put(target: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        target = target.setdefault(key, {})
    last = keys[-1] or str(len(target))
    target[last] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdigit() for key in inner) else inner
