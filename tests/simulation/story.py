"""What happened, in plain sentences: who did what, and when in simulated time."""

from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from tests.simulation.clock import SimulatedClock
from tests.simulation.scheduler import current


class Story:
    """The lines of one run; printed only when it ends badly, or when asked for."""

    def __init__(self, clock: SimulatedClock, note: Callable[..., None]) -> None:
        self._clock, self._note = clock, note
        self.lines: list[str] = []

    def begin_anew(self) -> None:
        self.lines = []

    def tell(self, sentence: str) -> None:
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

    def listen_to_logs(self) -> None:
        """Let what the product logs be part of the story, and go nowhere else."""

        def into_story(_: Any, level: str, event: MutableMapping[str, Any]) -> str:
            if level not in {"debug", "info"}:
                error = event.pop("exc_info", None)
                told = {name: value for name, value in event.items() if name in TOLD}
                if isinstance(error, BaseException):
                    told["error"] = f"{type(error).__name__}: {error}"
                self.tell(f"  log: {event['event']} " + " ".join(f"{k}={v}" for k, v in told.items()))
            raise structlog.DropEvent

        structlog.configure(
            processors=[structlog.processors.ExceptionRenderer(_one_line), into_story],
            wrapper_class=structlog.make_filtering_bound_logger(30),
            cache_logger_on_first_use=False,
        )


TOLD = ("call", "code", "job", "what", "stripe_code", "refund", "exception", "type", "error_type", "events")


def _one_line(exc_info: Any) -> str:
    return f"{exc_info[0].__name__}: {exc_info[1]}".replace("\n", " ")[:300]
