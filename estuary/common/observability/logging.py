"""How a line of the log is made: JSON in production, words in the sandbox, and on each what it belongs to."""

import functools
from collections.abc import Callable
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from estuary.common.observability.redaction import RedactingFormatter

TIMESTAMPER = structlog.processors.TimeStamper(fmt="iso")
PROCESSORS: list[Processor] = [
    merge_contextvars,
    add_logger_name,
    add_log_level,
    TIMESTAMPER,
    ProcessorFormatter.wrap_for_formatter,
]


def json_formatter() -> RedactingFormatter:
    """Return the formatter of production."""
    return _formatter(structlog.processors.JSONRenderer())


def logfmt_formatter() -> RedactingFormatter:
    """Return the formatter of the sandbox."""
    return _formatter(structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]))


def _formatter(renderer: Processor) -> RedactingFormatter:
    return RedactingFormatter(
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
        foreign_pre_chain=[
            merge_contextvars,
            _add_request_and_job,
            add_logger_name,
            add_log_level,
            TIMESTAMPER,
        ],
    )


def _add_request_and_job(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Name the request or the job of a line that its library writes when it is over already."""
    record = line["_record"]
    if request_id := getattr(getattr(record, "request", None), "request_id", None):
        line.setdefault("request_id", request_id)
    if isinstance(job := getattr(record, "job", None), dict):
        line.setdefault("job_id", job.get("id"))
    return line


def bind_log_fields[**P, R](**fields: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Put fields, each made of a function's arguments, on every line that is written while it runs."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with bound_contextvars(**{name: make(*args, **kwargs) for name, make in fields.items()}):
                return function(*args, **kwargs)

        return run

    return decorate
