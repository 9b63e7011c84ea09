"""Requests and responses, without a socket."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Response:
    """A response; `broken` says how the network loses it, `delay_s` how long it takes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    broken: Literal["timeout", "cut"] | None = None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RecordedRequest:
    """A request to the API, with masked key and card number."""

    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]
    status: int = 0
    request_id: str = ""
    replayed: bool = False


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response, indented as Stripe's."""
    return Response(
        status, {"Content-Type": "application/json"} | (headers or {}), json.dumps(body, indent=2).encode()
    )
