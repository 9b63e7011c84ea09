"""How the self-check says that something is not as it should be."""

from typing import Any

import httpx


class SelfCheckFailed(Exception):
    """Something was not handed over as promised; the message says what, and what the server said last."""


def need(condition: object, message: str) -> None:
    """Raise SelfCheckFailed with ``message`` unless ``condition`` holds."""
    if not condition:
        raise SelfCheckFailed(message)


def told(answer: httpx.Response) -> str:
    """Return what an answer says, in one line: the problem document's code and detail, or Stripe's error."""
    try:
        body: Any = answer.json()
    except ValueError:
        body = answer.text[:300]
    said = body
    if isinstance(body, dict):
        error = body.get("error")
        said = f"{body['code']}: {body.get('detail')}" if "code" in body else error or body
        if isinstance(error, dict):
            said = error.get("message") or error
    return f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {said}"
