"""Events, which the API lists for 30 days: https://docs.stripe.com/api/events."""

from fnmatch import fnmatchcase
from typing import Any

from stripe_sandbox import paging, versions
from stripe_sandbox.endpoint_call import Call, Routes, refer
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.store import Obj

KEPT_S = 30 * 24 * 3600
MAX_TYPES = 20


def retrieve(call: Call) -> Obj:
    event = call.target(call.state.store.events)
    if not _kept(call, event):
        raise no_such("event", event["id"], "id", in_path=True)
    return versions.event_in(event, event["api_version"])


def list_(call: Call) -> Obj:
    kind, kinds = call.params.get("type"), call.params.get("types")
    if kind and kinds:
        raise InvalidParameter("You may pass only one of these parameters: type, types.", param="types")
    if kinds and len(kinds) > MAX_TYPES:
        raise InvalidParameter(f"You may filter by at most {MAX_TYPES} types.", param="types")

    delivered = call.params.get("delivery_success")

    def matches(event: Obj) -> bool:
        named = event["type"] in kinds if kinds else not kind or fnmatchcase(event["type"], kind)
        matches_delivery = delivered is None or delivered == (event["pending_webhooks"] == 0)
        return named and matches_delivery and _kept(call, event)

    page = paging.page(call.state.store.events, call.path, call.params, keep=matches)
    return page | {"data": [versions.event_in(event, event["api_version"]) for event in page["data"]]}


def retry(call: Call) -> Obj:
    """Send an event again, as `stripe events resend` asks: to one endpoint, or to those who listen."""
    event, endpoint_id = retrieve(call), call.params.get("webhook_endpoint")
    if endpoint_id:
        endpoint = refer(call.state.store.webhook_endpoints, endpoint_id, "webhook_endpoint")
        call.state.resend(event, [endpoint])
    elif call.params.get("for_stripecli"):
        call.state.tell_listeners(call.state.store.events.get(event["id"]) or event)
    else:
        call.state.resend(event)
    return event


def _kept(call: Call, event: Obj) -> bool:
    return bool(event["created"] > call.state.now - KEPT_S)


ROUTES: Routes = {
    "GET /v1/events": list_,
    "GET /v1/events/{id}": retrieve,
    "POST /v1/events/{id}/retry": retry,
}
# Stripe's command line tool is the only one to use it, and Stripe documents no parameter of it.
FIELDS: dict[str, dict[str, Any]] = {
    "POST /v1/events/{id}/retry": {"account": "str", "for_stripecli": "bool", "webhook_endpoint": "str"},
}
