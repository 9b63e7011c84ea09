"""Who is killed, in what order and after how long, and how Stripe misbehaves meanwhile: a seed decides."""

import random
import threading
from collections.abc import Iterator

import httpx

from demo.selfcheck.failure import SelfCheckFailed
from tests.chaos.deployment import Deployment
from tests.chaos.shared_state import SharedState

type Fault = dict[str, str | int | float | bool]

DOWN_S = (0.0, 2.0)
TROUBLE_EVERY_S = (0.3, 1.2)
CALLS = (
    "POST /v1/*",
    "GET /v1/*",
    "POST /v1/refunds",
    "POST /v1/payment_intents",
    "POST /v1/checkout/sessions",
)
EVENTS = ("payment_intent.*", "charge.*", "checkout.session.*", "refund.*", "*")
CALL_FAULTS: tuple[Fault, ...] = (
    {"kind": "timeout_before"},
    {"kind": "timeout_after"},
    {"kind": "cut"},
    {"kind": "rate_limit"},
    {"kind": "error_before"},
    {"kind": "error_saved"},
    {"kind": "error_saved", "effect": True},
    {"kind": "lock_timeout"},
    {"kind": "slow", "seconds": 2},
)
EVENT_FAULTS: tuple[Fault, ...] = (
    {"kind": "duplicate"},
    {"kind": "duplicate", "copies": 3},
    {"kind": "delay", "seconds": 5},
    {"kind": "reorder"},
    {"kind": "drop"},
    {"kind": "drop"},
    {"kind": "never_generate"},
)
HEALED_BY_THE_SWEEP = frozenset({"drop", "never_generate"})


class Killer(threading.Thread):
    """Kills each kind in turn to begin with, so that a short run has each, and then (not ``each_once``) by chance."""

    def __init__(self, deployment: Deployment, *, seed: int, every_s: float, each_once: bool) -> None:
        super().__init__(name="killer", daemon=True)
        self._deployment, self._every_s, self._each_once = deployment, every_s, each_once
        self._chance = random.Random(f"{seed} killer")
        self._over = threading.Event()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for name in self._victims():
                if self._over.wait(self._chance.uniform(0.5, 1.5) * self._every_s):
                    return
                self._deployment.kill(name, down_s=self._chance.uniform(*DOWN_S))
        except Exception as problem:
            self.failure = problem

    def _victims(self) -> Iterator[str]:
        while spared := self._spared():  # there may be no backend to kill just then
            yield spared[0]
        while not self._each_once:
            yield self._chance.choice(self._deployment.victims)

    def _spared(self) -> list[str]:
        """Return those of whose kind none was killed yet."""
        return [
            name for name in self._deployment.victims if name.partition(" ")[0] not in self._deployment.killed
        ]

    @property
    def has_killed_each_kind(self) -> bool:
        return not self._spared()

    def stop(self) -> None:
        """Kill nobody from now on; raises what PostgreSQL did not start again with."""
        self._over.set()
        self.join()
        if self.failure:
            raise self.failure


class Trouble(threading.Thread):
    """Tells Stripe to misbehave, once at a time; ``mild`` loses no news for good."""

    def __init__(self, shared: SharedState, *, seed: int, mild: bool) -> None:
        super().__init__(name="trouble", daemon=True)
        self._shared = shared
        self._chance = random.Random(f"{seed} stripe")
        faults = [fault for fault in EVENT_FAULTS if not (mild and fault["kind"] in HEALED_BY_THE_SWEEP)]
        self._faults = [(CALLS, CALL_FAULTS), (EVENTS, tuple(faults))]
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._chance.uniform(*TROUBLE_EVERY_S)):
            matches, faults = self._chance.choice(self._faults)
            fault = self._chance.choice(faults)
            try:
                self._shared.add_fault(fault | {"match": self._chance.choice(matches)})
            except (SelfCheckFailed, httpx.HTTPError):
                self._shared.counters.count("faults that Stripe did not take")
            else:
                self._shared.counters.count("faults", str(fault["kind"]))

    def stop(self) -> None:
        """End all faults, those that have not struck yet too."""
        self._over.set()
        self.join()
        self._shared.end_faults()
