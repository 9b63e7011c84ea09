"""Lists with cursors: https://docs.stripe.com/api/pagination."""

import operator
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.store import Obj, Table

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def page(
    table: Table, url: str, params: dict[str, Any], *fields: str, keep: Callable[[Obj], bool] | None = None
) -> Obj:
    """Return one page, newest first, of the objects whose `fields` equal the parameters of the same name."""
    filters = {name: params[name] for name in fields if name in params}
    created = params.get("created")

    def matches(obj: Obj) -> bool:
        if any(obj.get(name) != value for name, value in filters.items()):
            return False
        return (created is None or in_interval(obj["created"], created)) and (keep is None or keep(obj))

    return _slice(table, url, params, matches)


def page_of(objects: list[Obj], url: str, params: dict[str, Any] | None = None) -> Obj:
    """Return one page of a list that has no table of its own, in the order given."""
    table = Table("object")
    for obj in reversed(objects):
        table.add(obj)
    return _slice(table, url, params or {"limit": DEFAULT_LIMIT}, lambda _: True)


def in_interval(value: int, interval: Any) -> bool:
    """Return whether a time matches a filter such as `created[gte]=…`, or equals a plain number."""
    if isinstance(interval, int):
        return value == interval
    return all(COMPARE[name](value, bound) for name, bound in interval.items())


def _slice(table: Table, url: str, params: dict[str, Any], matches: Callable[[Obj], bool]) -> Obj:
    # Stripe clamps a limit out of range; it never refuses one.
    limit = limit_of(params)
    if "starting_after" in params and "ending_before" in params:
        raise InvalidParameter("You cannot use both starting_after and ending_before.", param="ending_before")
    if "ending_before" in params:
        walk = table.newer_than(_cursor(table, params, "ending_before"))
        matching = _take(walk, matches, limit + 1)
        data = list(reversed(matching[:limit]))
    else:
        before = _cursor(table, params, "starting_after") if "starting_after" in params else None
        matching = _take(table.newest_first(before), matches, limit + 1)
        data = matching[:limit]
    return {"object": "list", "data": data, "has_more": len(matching) > limit, "url": url}


def _take(walk: Iterator[Obj], matches: Callable[[Obj], bool], limit: int) -> list[Obj]:
    return list(islice((obj for obj in walk if not obj.get("deleted") and matches(obj)), limit))


def limit_of(params: dict[str, Any]) -> int:
    return min(max(1, int(params.get("limit", DEFAULT_LIMIT))), MAX_LIMIT)


def _cursor(table: Table, params: dict[str, Any], name: str) -> int:
    position = table.position(params[name])
    if position is None:
        raise no_such(table.kind, params[name], name)
    return position
