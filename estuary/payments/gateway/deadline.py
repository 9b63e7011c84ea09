"""The time budget of a web request for its calls to Stripe: every buyer gets an answer within five seconds."""

import time
from collections.abc import Callable
from contextvars import ContextVar

import requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from urllib3.util import Timeout

# For all calls of a request together.
REQUEST_BUDGET_S = 4.8
CONNECT_TIMEOUT_S = 1.0
# With less time left, nothing is sent.
MIN_TIMEOUT_S = 0.05

# The current web request's deadline by time.monotonic. A worker's job has none.
_until: ContextVar[float | None] = ContextVar("until", default=None)


class StripeDeadlineMiddleware:
    """Gives each web request one time budget for all of its calls to Stripe."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _until.set(time.monotonic() + REQUEST_BUDGET_S)
        try:
            return self.get_response(request)
        finally:
            _until.reset(token)


def timeout() -> Timeout:
    """Return the timeout of the next call; raises requests.Timeout when the budget is used up.

    Time that connecting does not use is left for the response.
    """
    until = _until.get()
    remaining_s = REQUEST_BUDGET_S if until is None else until - time.monotonic()
    if remaining_s < MIN_TIMEOUT_S:
        raise requests.Timeout("The time for calls to Stripe is used up: nothing was sent.")
    return Timeout(connect=min(CONNECT_TIMEOUT_S, remaining_s / 2), total=remaining_s)
