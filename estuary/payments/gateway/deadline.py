"""How long Stripe is waited for: no buyer waits longer than five seconds for an answer, even for a 503."""

import time
from collections.abc import Callable
from contextvars import ContextVar

import requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from urllib3.util import Timeout

REQUEST_BUDGET_S = 4.8  # all calls together; one call may have it all
CONNECT_TIMEOUT_S = 1.0
MIN_TIMEOUT_S = 0.05  # with less than that left nothing is sent any more

# Until when (by time.monotonic) the request that is being answered may wait; a worker's job has no such end.
_until: ContextVar[float | None] = ContextVar("until", default=None)


class StripeDeadlineMiddleware:
    """Give every web request one budget of time for all its calls to Stripe: several slow ones must not add up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _until.set(time.monotonic() + REQUEST_BUDGET_S)
        try:
            return self.get_response(request)
        finally:
            _until.reset(token)


def timeout() -> Timeout:
    """Return how long the next call may take; raises requests.Timeout when time is over.

    What connecting leaves is all there for the answer, so that whatever comes in time is used.
    """
    until = _until.get()
    left = REQUEST_BUDGET_S if until is None else until - time.monotonic()
    if left < MIN_TIMEOUT_S:
        raise requests.Timeout("The time for this answer is over: nothing was sent.")
    return Timeout(connect=min(CONNECT_TIMEOUT_S, left / 2), total=left)
