"""Check the requests that a sandbox recorded, wherever they came from."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import stripe

from tests.contract import annotations, openapi

# Only Stripe's own command line tool goes there, and Stripe publishes nothing about them.
UNPUBLISHED = "/v1/payment_pages/"


class Recorded(Protocol):
    """What is known of a recorded request; the sandbox's own class fits."""

    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]


def findings(requests: Iterable[Recorded]) -> list[str]:
    """Return what is wrong with what a server sent, by types, document and version."""
    problems: list[str] = []
    for request in requests:
        if request.path.startswith(UNPUBLISHED) or not _is_from_a_server(request.headers):
            continue
        name = f"{request.method} {request.path}"
        version = request.headers.get("Stripe-Version")
        if version != stripe.api_version:
            problems.append(f"{name}: asks for version {version}, and the SDK's is {stripe.api_version}")
        problems += annotations.check_request(request.method, request.path, request.params)
        problems += openapi.check_request(request.method, request.path, request.params)
    return list(dict.fromkeys(problems))


def assert_requests_conform(requests: Iterable[Recorded]) -> None:
    """Fail with one line for each request parameter that Stripe would not take."""
    problems = findings(requests)
    assert not problems, "requests that Stripe does not know:\n" + "\n".join(problems)


def _is_from_a_server(headers: Mapping[str, str]) -> bool:
    return "sk_" in headers.get("Authorization", "") or "rk_" in headers.get("Authorization", "")
