"""Webhook endpoints: https://docs.stripe.com/api/webhook_endpoints."""

from urllib.parse import urlsplit

from stripe_sandbox import paging, versions
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj


def create(call: Call) -> Obj:
    params = call.params
    endpoint = make(
        call.state,
        url=params["url"],
        secret="whsec_" + call.state.ids.text(32),
        api_version=params.get("api_version"),
        enabled_events=params["enabled_events"],
        description=params.get("description"),
        metadata=params.get("metadata") or {},
    )
    return endpoint | {"secret": endpoint["_secret"]}


def retrieve(call: Call) -> Obj:
    endpoint = call.target(call.state.store.webhook_endpoints)
    if endpoint.get("deleted"):
        raise no_such("webhook endpoint", endpoint["id"], "webhook_endpoint", in_path=True)
    return endpoint


def update(call: Call) -> Obj:
    endpoint = retrieve(call)
    if "url" in call.params:
        _check_url(call.params["url"])
    assign(endpoint, call.params, ["description", "enabled_events", "metadata", "url"])
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    return endpoint


def delete(call: Call) -> Obj:
    endpoint = retrieve(call)
    stub = {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    endpoint |= {"deleted": True, "status": "disabled"}
    return stub


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.webhook_endpoints, call.path, call.params)


def make(
    state: SandboxState,
    *,
    url: str,
    secret: str,
    api_version: str | None = None,
    enabled_events: list[str] | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Obj:
    """Register an endpoint; without a version it gets the account's default."""
    _check_url(url)
    return state.store.webhook_endpoints.add(
        {
            "id": state.ids.new("we"),
            "object": "webhook_endpoint",
            "api_version": versions.check(api_version) if api_version else None,
            "application": None,
            "created": state.now,
            "description": description,
            "enabled_events": enabled_events or ["*"],
            "livemode": False,
            "metadata": metadata or {},
            "status": "enabled",
            "url": url,
            "_secret": secret,
        }
    )


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidParameter("Invalid URL: URL must be absolute and begin with http or https.", param="url")


ROUTES: Routes = {
    "POST /v1/webhook_endpoints": create,
    "GET /v1/webhook_endpoints": list_,
    "GET /v1/webhook_endpoints/{id}": retrieve,
    "POST /v1/webhook_endpoints/{id}": update,
    "DELETE /v1/webhook_endpoints/{id}": delete,
}
