"""Faults on demand: lost responses, rate limits and errors of requests; lost, late and duplicate events."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

# What each does, as the page about the sandbox says it.
API_FAULTS = {
    "timeout_before": "no response; the request has no effect",
    "timeout_after": "no response; the request has its effect",
    "cut": "the request has its effect, and the response breaks off in the middle",
    "rate_limit": "429; `retry_after` seconds, or no such header",
    "error_before": "500; no effect, nothing remembered for the idempotency key",
    "error_saved": "500, remembered for the idempotency key; with `effect` the request has its effect",
    "lock_timeout": "409 lock_timeout, which the SDK may try again",
    "refuse": "400 with `code` and `message`; no effect, nothing remembered",
    "slow": "the response takes `seconds`",
    "revoked_key": "401 api_key_expired",
    "forbidden": "403, as for a restricted key without the permission",
}
EVENT_FAULTS = {
    "drop": "in the list, never delivered",
    "duplicate": "delivered `copies` times",
    "delay": "delivered `seconds` late",
    "reorder": "delivered after the event that follows it",
    "hold": "delivered when it is released",
    "never_generate": "neither in the list nor delivered",
}


@dataclass
class Fault:
    """One installed fault; `match` is `POST /v1/refunds*` for requests, `charge.*` for events."""

    kind: str
    match: str = "*"
    times: int | None = 1
    skip: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def takes(self, subject: str) -> bool:
        """Return whether the fault applies to this subject, and count."""
        if self.times == 0 or not fnmatchcase(subject, self.match):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class EventPlan:
    """How one event is delivered."""

    never_generated: bool = False
    copies: int = 1
    delay_s: float = 0.0
    after_next: bool = False
    held: bool = False


class Faults:
    """The installed faults. The first match applies to a request, all matches apply to an event."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, kind: str, match: str = "*", times: int | None = 1, skip: int = 0, **options: Any) -> Fault:
        """Install a fault; `times=None` means until cleared, `skip` spares the first matches."""
        kinds = API_FAULTS | EVENT_FAULTS
        if kind not in kinds:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(kinds))}")
        fault = Fault(kind, match, times, skip, options)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def remove(self, kind: str) -> None:
        self._faults = [fault for fault in self._faults if fault.kind != kind]

    def list(self) -> list[Fault]:
        return [fault for fault in self._faults if fault.times != 0]

    def for_request(self, method: str, path: str) -> Fault | None:
        """Return the fault of this request, if any."""
        subject = f"{method} {path}"
        return next((f for f in self._faults if f.kind in API_FAULTS and f.takes(subject)), None)

    def plan_for_event(self, event_type: str) -> EventPlan:
        """Return how an event of this type is delivered."""
        plan = EventPlan()
        for fault in self._faults:
            if fault.kind not in EVENT_FAULTS or not fault.takes(event_type):
                continue
            if fault.kind == "never_generate":
                plan.never_generated = True
            elif fault.kind == "drop":
                plan.copies = 0
            elif fault.kind == "duplicate":
                plan.copies = int(fault.options.get("copies", 2))
            elif fault.kind == "delay":
                plan.delay_s += float(fault.options.get("seconds", 60))
            elif fault.kind == "reorder":
                plan.after_next = True
            else:
                plan.held = True
        return plan
