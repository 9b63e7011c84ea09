"""Faults on demand: what networks, rate limits and Stripe's bad days do to a request or to an event."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

ApiFault = Literal[
    "timeout_before",  # nothing happens and no answer comes
    "timeout_after",  # it happens and no answer comes
    "cut",  # it happens and the answer breaks off in the middle
    "rate_limit",  # 429; `retry_after` seconds, or no such header
    "error_before",  # 500, nothing happened, nothing is remembered for the key
    "error_saved",  # 500, remembered for the key; `effect=True` lets it happen all the same
    "lock_timeout",  # 409 lock_timeout, which the SDK may try again
    "refuse",  # 400 for a reason of Stripe's own (`code`, `message`); nothing happened, nothing is remembered
    "slow",  # the answer takes `seconds`
    "revoked_key",  # 401 api_key_expired
    "forbidden",  # 403: a restricted key without the permission
]
EventFault = Literal[
    "drop",  # in the list, never delivered
    "duplicate",  # delivered `copies` times
    "delay",  # delivered `seconds` late
    "reorder",  # delivered after the event that follows it
    "hold",  # delivered when it is released
    "never_generate",  # neither in the list nor delivered
]
API_FAULTS, EVENT_FAULTS = frozenset(get_args(ApiFault)), frozenset(get_args(EventFault))


@dataclass
class Fault:
    """One installed fault; `match` is `POST /v1/refunds*` for requests, `charge.*` for events."""

    kind: str
    match: str = "*"
    times: int | None = 1
    skip: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def takes(self, subject: str) -> bool:
        """Tell whether it strikes now, and count."""
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
    """What becomes of one event."""

    never_generated: bool = False
    copies: int = 1
    delay_s: float = 0.0
    after_next: bool = False
    held: bool = False


class Faults:
    """The installed faults: the first that matches a request strikes, and all that match an event."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, kind: str, match: str = "*", times: int | None = 1, skip: int = 0, **options: Any) -> Fault:
        """Install a fault; `times=None` means until cleared, `skip` lets that many go by first."""
        if kind not in API_FAULTS | EVENT_FAULTS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(sorted(API_FAULTS | EVENT_FAULTS))}")
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
        """Return the fault that strikes this request, if any."""
        subject = f"{method} {path}"
        return next((f for f in self._faults if f.kind in API_FAULTS and f.takes(subject)), None)

    def plan_for_event(self, event_type: str) -> EventPlan:
        """Return what becomes of an event of this type."""
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
