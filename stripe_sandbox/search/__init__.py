"""Search: https://docs.stripe.com/search. Stripe's index lags behind by up to a minute; here it never does."""

import base64
import json
from typing import Any

from stripe_sandbox.endpoint_call import Call, Handler, Routes
from stripe_sandbox.errors import InvalidParameter
from stripe_sandbox.paging import limit_of
from stripe_sandbox.search.fields import FIELDS, matcher
from stripe_sandbox.search.language import parse
from stripe_sandbox.store import Obj, Table


def search(table: Table, resource: str, url: str, params: dict[str, Any]) -> Obj:
    """Return one page, newest first, of what matches a query."""
    query = parse(params["query"])
    matchers = [matcher(resource, clause) for clause in query.clauses]
    quantifier = all if query.needs_all else any
    hits = [
        obj
        for obj in table.newest_first()
        if not obj.get("deleted") and quantifier(matches(obj) for matches in matchers)
    ]
    begin, limit = _begin(hits, params), limit_of(params)
    data = hits[begin : begin + limit]
    has_more = len(hits) > begin + limit
    return {
        "object": "search_result",
        "data": data,
        "has_more": has_more,
        "next_page": _page_name(params["query"], data[-1]["id"]) if has_more else None,
        "url": url,
        "_total_count": len(hits),
    }


def _page_name(query: str, last_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([query, last_id]).encode()).decode()


def _begin(hits: list[Obj], params: dict[str, Any]) -> int:
    """Return where a page begins: after the last object of the page before."""
    if "page" not in params:
        return 0
    ids = [obj["id"] for obj in hits]
    query, last_id = _named(params["page"])
    if query != params["query"] or last_id not in ids:
        message = "This is no page of this query. Take `next_page` of the page before, with the same query."
        raise InvalidParameter(message, param="page")
    return ids.index(last_id) + 1


def _named(page: str) -> tuple[Any, Any]:
    try:
        query, last_id = json.loads(base64.urlsafe_b64decode(page))
    except (TypeError, ValueError):
        return None, None
    return query, last_id


def _endpoint(resource: str) -> Handler:
    def handle(call: Call) -> Obj:
        table: Table = getattr(call.state.store, resource)
        return search(table, resource, call.path, call.params)

    return handle


ROUTES: Routes = {f"GET /v1/{resource}/search": _endpoint(resource) for resource in FIELDS}
