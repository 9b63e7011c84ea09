"""Each call to Stripe is timed and logged, with its outcome and Stripe's request id."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

import structlog

from estuary.common.errors import EstuaryError
from estuary.common.observability import metrics

_request_id: ContextVar[str] = ContextVar("stripe_request_id", default="")
_answered_at: ContextVar[str] = ContextVar("stripe_answered_at", default="")

log = structlog.get_logger(__name__)


@contextmanager
def observe_call(call: str) -> Iterator[None]:
    """Time one call; its outcome is ``ok`` or the code of our error."""
    record_response({})
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


def record_response(headers: Mapping[str, str]) -> None:
    """Record Stripe's id of the request, by which its support finds it, and the time of Stripe's clock."""
    _request_id.set(headers.get("Request-Id", ""))
    _answered_at.set(headers.get("Date", ""))


def answered_at() -> str:
    """Return the ``Date`` of Stripe's last response in this context; empty without one."""
    return _answered_at.get()
