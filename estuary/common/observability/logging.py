"""Log lines: JSON in production, logfmt in the sandbox, each with its request or job."""

import functools
from collections.abc import Callable
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

from estuary.common.observability.redaction import RedactingFormatter

OF_ALL_LINES: list[Processor] = [
    merge_contextvars,
    add_logger_name,
    add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
]
PROCESSORS: list[Processor] = [*OF_ALL_LINES, ProcessorFormatter.wrap_for_formatter]
JSON = structlog.processors.JSONRenderer()
LOGFMT = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


def json_formatter() -> RedactingFormatter:
    """Return the formatter of granian's own lines (config/granian.json)."""
    return build_formatter(JSON)


def build_formatter(renderer: Processor) -> RedactingFormatter:
    """Return the formatter of all log lines: JSON in production, LOGFMT in the sandbox."""
    return RedactingFormatter(
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
        foreign_pre_chain=[*OF_ALL_LINES, _add_request_and_job],
    )


def _add_request_and_job(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Add the request or job id to lines that a library writes after the context has ended."""
    record = line["_record"]
    if request_id := getattr(getattr(record, "request", None), "request_id", None):
        line.setdefault("request_id", request_id)
    if isinstance(job := getattr(record, "job", None), dict):
        line.setdefault("job_id", job.get("id"))
    return line


def bind_log_fields[**P, R](**fields: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Bind log fields while the function runs; each field is computed from the function's arguments."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with bound_contextvars(**{name: make(*args, **kwargs) for name, make in fields.items()}):
                return function(*args, **kwargs)

        return run

    return decorate
