"""What goes wrong by chance: with requests to Stripe, with its events, with our key."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from stripe_sandbox.faults import EventPlan, Fault, Faults
from tests.simulation.clock import SimulatedClock

KINDS = (
    "timeout_before",
    "timeout_after",
    "cut",
    "rate_limit",
    "lock_timeout",
    "error_before",
    "error_saved",
    "slow",
    "revoked_key",
)


@dataclass(frozen=True)
class FaultProfile:
    """The faults of a seed: rates are per request or per event, and each seed has some kinds only."""

    kinds: tuple[str, ...] = ()
    rate: float = 0.0
    webhooks: bool = True
    dropped: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    longest_delay_s: float = 60.0
    only: str = ""  # the method and path that are struck; all of them without


class SwarmFaults(Faults):
    """Injects faults by profile and seed; the nth request or event of a run is struck by its own chance."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock
        self.reset(0, FaultProfile())

    def reset(self, seed: int, fault_profile: FaultProfile) -> None:
        self._seed, self.fault_profile = seed, fault_profile
        self._requests = self._events = 0
        self._refused_until = 0.0
        self.struck: Counter[str] = Counter()

    def end(self) -> None:
        """Stop all faults; whether there are webhooks at all stays as it was."""
        self.fault_profile = FaultProfile(webhooks=self.fault_profile.webhooks)
        self._refused_until = 0.0

    def for_request(self, method: str, path: str) -> Fault | None:
        self._requests += 1
        if self._clock.now() < self._refused_until:
            return self._strike("revoked_key")
        chance = Random(f"{self._seed} request {self._requests}")
        strikes = bool(self.fault_profile.kinds) and f"{method} {path}".startswith(self.fault_profile.only)
        if not strikes or chance.random() >= self.fault_profile.rate:
            return super().for_request(method, path)
        kind = chance.choice(self.fault_profile.kinds)
        if kind == "revoked_key":
            self._refused_until = self._clock.now() + chance.uniform(5, 300)
        options: dict[str, dict[str, float]] = {
            "slow": {"seconds": chance.choice([0.5, 2, 3.5, 20])},
            "error_saved": {"effect": chance.random() < 0.5},
        }
        return self._strike(kind, **options.get(kind, {}))

    def _strike(self, kind: str, **options: float) -> Fault:
        self.struck[kind] += 1
        return Fault(kind, options=dict(options))

    def plan_for_event(self, event_type: str) -> EventPlan:
        self._events += 1
        chance, plan, fault_profile = (
            Random(f"{self._seed} event {self._events}"),
            EventPlan(),
            self.fault_profile,
        )
        if not fault_profile.webhooks or chance.random() < fault_profile.dropped:
            plan.copies = 0
            self.struck["webhook dropped" if fault_profile.webhooks else "webhooks off"] += 1
            return plan
        if chance.random() < fault_profile.doubled:
            plan.copies = 2
            self.struck["webhook doubled"] += 1
        if chance.random() < fault_profile.delayed:
            plan.delay_s = chance.uniform(0, fault_profile.longest_delay_s)
            self.struck["webhook delayed"] += 1
        return plan
