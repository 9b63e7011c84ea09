"""The webhook endpoint at Stripe: is there one with our address, is it enabled, and does it send what we handle?"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from estuary.payments import client
from estuary.payments.checkup.finding import Finding, broken, good, look
from estuary.payments.errors import PermissionMissing
from estuary.payments.gateway.probes import Endpoint, Probes
from estuary.payments.webhooks import HANDLERS, webhook_paths

ALL_TYPES = "*"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
PAGE = "https://dashboard.stripe.com/workbench/webhooks"
NO_EVENTS = "Without events, orders are only completed when the worker asks Stripe, minutes later."
MAX_NAMED = 5


def our_url() -> str:
    return f"{settings.FRONTEND_URL}{max(webhook_paths(), key=len)}"


def is_on_a_laptop() -> bool:
    """Return whether Stripe can't reach the shop: then ``stripe listen`` brings the events."""
    return urlsplit(settings.FRONTEND_URL).hostname in LOOPBACK


def leads_here(endpoint: Endpoint) -> bool:
    """Return whether an endpoint has our path, at a host by which we are called."""
    parts = urlsplit(endpoint.url)
    host = (parts.hostname or "").lower()
    hosts = {name.strip("[]").lower() for name in settings.ALLOWED_HOSTS}
    same_port = host not in LOOPBACK or parts.port == urlsplit(settings.FRONTEND_URL).port
    return host in hosts and same_port and parts.path in webhook_paths()


def check_endpoint(stripe: Probes) -> Iterator[Finding]:
    try:
        endpoints = stripe.endpoints()
    except PermissionMissing as error:
        yield look(
            "endpoint_hidden",
            str(error),
            why="Its address, events and version were not checked. Nothing else needs this permission.",
            cure="https://dashboard.stripe.com/apikeys    # read access to webhook endpoints",
        )
        return
    leading_here = [endpoint for endpoint in endpoints if leads_here(endpoint)]
    if not leading_here:
        yield _missing(endpoints)
        return
    enabled = [endpoint for endpoint in leading_here if endpoint.is_enabled]
    if not enabled:
        yield broken(
            "endpoint_disabled",
            f"The webhook endpoint {leading_here[0].url} is disabled at Stripe.",
            why=f"{NO_EVENTS} Stripe disables an endpoint that has failed for days.",
            cure=f"{PAGE}/{leading_here[0].id}    # enable it, then resend what failed",
        )
        return
    if len(enabled) > 1:
        yield look(
            "endpoint_twice",
            f"{len(enabled)} enabled webhook endpoints lead here: {', '.join(one.url for one in enabled)}",
            why="Each event comes twice, and each endpoint signs with a secret of its own.",
            cure=f"{PAGE}    # delete one, or name both secrets in STRIPE_WEBHOOK_SECRET, with a comma",
        )
    yield from _check_content(enabled)


def _missing(endpoints: list[Endpoint]) -> Finding:
    host = urlsplit(settings.FRONTEND_URL).hostname
    same_host = [one.url for one in endpoints if urlsplit(one.url).hostname == host]
    if not same_host and is_on_a_laptop():
        return look(
            "endpoint_missing",
            "Stripe has no webhook endpoint for this machine, which it can't reach.",
            why=NO_EVENTS,
            cure=f"stripe listen --all-snapshot --forward-to {our_url()}    # its whsec_… is STRIPE_WEBHOOK_SECRET",
        )
    if same_host:
        return broken(
            "endpoint_address",
            f"The webhook endpoint at Stripe is {same_host[0]}, and events are taken at {our_url()}.",
            why=f"{NO_EVENTS} Stripe follows no redirect.",
            cure=f"{PAGE}    # change the address to {our_url()}",
        )
    others = ", ".join(one.url for one in endpoints[:MAX_NAMED]) or "none at all"
    return broken(
        "endpoint_missing",
        f"Stripe has no webhook endpoint {our_url()}. It has: {others}.",
        why=NO_EVENTS,
        cure=f"{PAGE}/create    # {our_url()}, with the events of docs/howto/go-live.md",
    )


def _check_content(enabled: list[Endpoint]) -> Iterator[Finding]:
    types = frozenset[str]().union(*(endpoint.event_types for endpoint in enabled))
    page = f"{PAGE}/{enabled[0].id}"
    lacking = [] if ALL_TYPES in types else sorted(HANDLERS.keys() - types)
    if lacking:
        yield broken(
            "endpoint_lacks_events",
            f"The webhook endpoint does not send {', '.join(lacking)}.",
            why="What they report (payments, refunds, saved cards) is learned minutes later from Stripe's lists.",
            cure=f"{page}    # add these events",
        )
    versions = {endpoint.api_version for endpoint in enabled}
    if versions != {client.API_VERSION}:
        version = ", ".join(sorted(versions - {client.API_VERSION})) or "the account's default"
        yield look(
            "endpoint_version",
            f"The webhook endpoint sends events in API version {version}, and we read {client.API_VERSION}.",
            why="It works, but each event costs a call to Stripe, and waits while Stripe does not answer.",
            cure=f"{page}    # a new endpoint with version {client.API_VERSION}; then delete this one",
        )
    if not lacking and versions == {client.API_VERSION}:
        yield good(
            "endpoint", f"The webhook endpoint {enabled[0].url} is enabled, with all events, in our version."
        )
