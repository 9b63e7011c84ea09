"""What happened, in plain sentences: who did what, and when in simulated time."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from logging.config import DictConfigurator
from typing import Any

import structlog
from django.conf import settings

from tests.simulation.clock import SimulatedClock
from tests.simulation.scheduler import current


class RunLog:
    """The lines of one run; printed only when it ends badly, or when asked for."""

    def __init__(self, clock: SimulatedClock, note: Callable[..., None]) -> None:
        self._clock, self._note = clock, note
        self.lines: list[str] = []

    def reset(self) -> None:
        self.lines = []

    def add(self, sentence: str) -> None:
        actor = current()
        who = actor.name if actor else "—"
        seconds = self._clock.elapsed_s
        days, rest = divmod(int(seconds), 86400)
        when = (
            f"{days}d " * bool(days)
            + f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60 + seconds % 1:06.3f}"
        )
        self.lines.append(f"{when}  {who:<14} {sentence}")
        self._note("told", sentence)

    def listen_to_logs(self, read: Callable[[str, str], None]) -> None:
        """Let what the product logs be part of the run log, and go nowhere else; ``read`` gets each finished line."""
        lines = _Lines(read)

        def into_run_log(logger: Any, level: str, event: MutableMapping[str, Any]) -> str:
            lines.of_structlog(logger, level, event)
            if level not in {"debug", "info"}:
                error = event.get("exc_info")
                error = sys.exc_info()[1] if error is True else error
                fields = {name: value for name, value in event.items() if name in LOGGED_FIELDS}
                if isinstance(error, BaseException):
                    fields["error"] = f"{type(error).__name__}: {error}"
                self.add(f"  log: {event['event']} " + " ".join(f"{k}={v}" for k, v in fields.items()))
            raise structlog.DropEvent

        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                into_run_log,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=False,
        )
        logging.disable(logging.NOTSET)
        root = logging.getLogger()
        root.handlers, root.level = [lines], logging.INFO


class _Lines(logging.Handler):
    """Finishes lines as the product's own formatter does, with all that it redacts, and has them read."""

    def __init__(self, read: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        formatters: Any = settings.LOGGING["formatters"]
        self.setFormatter(DictConfigurator({"version": 1}).configure_formatter(dict(formatters["lines"])))
        self._read = read

    def of_structlog(self, logger: Any, level: str, event: MutableMapping[str, Any]) -> None:
        number = getattr(logging, level.upper(), logging.ERROR)
        record = logging.LogRecord("estuary", number, "", 0, {**event}, None, None)
        record._logger, record._name = logger, level  # what structlog tells its own by
        self.emit(record)

    def emit(self, record: logging.LogRecord) -> None:
        self._read("log", self.format(record))


LOGGED_FIELDS = (
    "call",
    "code",
    "job",
    "what",
    "stripe_code",
    "refund",
    "exception",
    "type",
    "error_type",
    "events",
)
