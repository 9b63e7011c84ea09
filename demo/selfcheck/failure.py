"""How the self-check says that something is not as it should be."""

from typing import Any

import httpx


class SelfCheckFailed(Exception):
    """Something was not handed over as promised; the message says what, and what the server said last."""


def need(condition: object, message: str) -> None:
    """Raise SelfCheckFailed with ``message`` unless ``condition`` holds."""
    if not condition:
        raise SelfCheckFailed(message)


def describe_response(response: httpx.Response) -> str:
    """Return what an answer says, in one line: the problem document's code and detail, or Stripe's error."""
    try:
        body: Any = response.json()
    except ValueError:
        body = response.text[:300]
    text = body
    if isinstance(body, dict):
        error = body.get("error")
        text = f"{body['code']}: {body.get('detail')}" if "code" in body else error or body
        if isinstance(error, dict):
            text = error.get("message") or error
    return f"{response.request.method} {response.request.url.path} answered {response.status_code}: {text}"
