"""What Stripe's documents say of its API: the fields that `expand` takes, and the versions that exist."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from stripe_sandbox.errors import InvalidParameter, StripeError

MAX_DEPTH = 4
LIST = "data"


@cache
def facts() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("api.json").read_text())
    return loaded


def check_expansions(endpoint: str, paths: list[str]) -> None:
    """Refuse a path that the endpoint's answer can't expand, before the request does anything."""
    for path in paths:
        if path.count(".") >= MAX_DEPTH:
            message = f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}"
            raise InvalidParameter(message, param="expand")
        objects = facts()["answers"].get(endpoint, [])
        for part in path.split("."):
            objects = _follow(objects, part, path)


def _follow(schemas: list[str], part: str, path: str) -> list[str]:
    expandable = [facts()["expandable"].get(schema, {}) for schema in schemas]
    fields = [targets for targets in expandable if part in targets]
    if not fields:
        raise _not_expandable(path, any(LIST in targets for targets in expandable))
    return sorted({schema for targets in fields for schema in targets[part]})


def _not_expandable(path: str, is_list: bool) -> StripeError:
    message = f"This property cannot be expanded ({path})."
    if is_list and not path.startswith(f"{LIST}."):
        message += f" You may want to try expanding '{LIST}.{path}' instead."
    return InvalidParameter(message, param="expand")


def is_version(version: str) -> bool:
    """Return whether Stripe knows an API version."""
    return version in facts()["versions"]
