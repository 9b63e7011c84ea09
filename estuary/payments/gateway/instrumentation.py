"""Each call to Stripe is measured and told: how long it took, what it came to, and what Stripe calls it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

import structlog

from estuary.common.api.errors import EstuaryError
from estuary.common.observability import metrics

# What callers are told of a call that did not work out.
STILL_BUSY = "The payment service is still busy with the last request. Please try again in a moment."
BUSY = "The payment service is very busy. Please try again in a moment."
GONE = "Stripe no longer has what this refers to."
FAILED = "The payment service failed. Please send the same again in a moment."
UNANSWERED = "The payment service does not answer. Please send the same again in a moment."

_request_id: ContextVar[str] = ContextVar("stripe_request_id", default="")

log = structlog.get_logger(__name__)


@contextmanager
def observe_call(call: str) -> Iterator[None]:
    """Measure one call; its outcome is ``ok`` or the code of the error of ours that it raises."""
    _request_id.set("")
    started_at, outcome = perf_counter(), "bug"
    try:
        yield
        outcome = "ok"
    except EstuaryError as error:
        outcome = error.code
        raise
    finally:
        seconds = perf_counter() - started_at
        metrics.STRIPE_CALL_SECONDS.labels(call, outcome).observe(seconds)
        log.info(
            "stripe_called",
            call=call,
            outcome=outcome,
            seconds=round(seconds, 4),
            stripe_request_id=_request_id.get(),
        )


def record_request_id(request_id: str) -> None:
    """Remember what Stripe calls the request, by which its support and its dashboard find it."""
    _request_id.set(request_id)
