"""What all people share: Stripe as browsers, banks and the dashboard meet it, and what was bought so far."""

import random
import threading
from typing import Any

import httpx

from demo.plan import Plan
from demo.selfcheck.failure import SelfCheckFailed
from demo.selfcheck.stripe import Browser, Dashboard
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.chaos.counters import Counters

type Json = dict[str, Any]

STRIPE_TIMEOUT_S = 8.0
REFUSED = (SelfCheckFailed, httpx.HTTPError)  # Stripe said no, or nothing: it misbehaves too


class SharedState:
    """Safe for many threads."""

    def __init__(self, plan: Plan, counters: Counters) -> None:
        stripe = httpx.Client(base_url=plan.sandbox_url, timeout=STRIPE_TIMEOUT_S, trust_env=False)
        self.browser = Browser(stripe, SANDBOX_DEFAULTS["stripe_publishable_key"])
        self.dashboard = Dashboard(stripe, SANDBOX_DEFAULTS["stripe_secret_key"])
        self.counters = counters
        self._stripe = stripe
        self._paid: list[tuple[str, str]] = []
        self._disputes: list[str] = []
        self._lock = threading.Lock()

    def control(self, verb: str, **arguments: Any) -> Json:
        """Act as a bank, a cardholder or the dashboard; raises SelfCheckFailed when Stripe refuses."""
        answer = self._stripe.post(f"/_sandbox/{verb}", json=arguments)
        if not answer.is_success:
            raise SelfCheckFailed(answer.text[:300])
        return dict(answer.json())

    def add_fault(self, fault: Json) -> None:
        """Let Stripe misbehave once; raises SelfCheckFailed when it knows no such fault."""
        answer = self._stripe.post("/_sandbox/faults", json=fault)
        if not answer.is_success:
            raise SelfCheckFailed(answer.text[:300])

    def end_faults(self) -> None:
        self._stripe.delete("/_sandbox/faults").raise_for_status()

    def note_paid(self, order_id: str, intent: Json) -> None:
        """Count money that Stripe has taken for an order, once for each payment."""
        with self._lock:
            if (order_id, intent["id"]) in self._paid:
                return
            self._paid.append((order_id, intent["id"]))
        self.counters.count("payments", intent["currency"])
        self.counters.count("captured", intent["currency"], intent["amount_received"])

    def someones_payment(self, chance: random.Random) -> tuple[str, str] | None:
        """Return an order and its payment intent, of those that were paid."""
        with self._lock:
            return chance.choice(self._paid) if self._paid else None

    def note_dispute(self, dispute_id: str) -> None:
        with self._lock:
            self._disputes.append(dispute_id)

    def oldest_dispute(self) -> str | None:
        with self._lock:
            return self._disputes.pop(0) if self._disputes else None
