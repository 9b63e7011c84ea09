"""Webhook deliveries: signed, in order, retried with a back-off (https://docs.stripe.com/webhooks)."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from stripe_sandbox.clock import Clock
from stripe_sandbox.store import Obj
from stripe_sandbox.versions import event_in

if TYPE_CHECKING:
    from stripe_sandbox.faults import EventPlan

# Stripe retries for three days with an exponential back-off; here the first retries come sooner.
BACK_OFF_S = [1, 5, 30, 120, 600, 3600, 7200, 14400, 28800, 57600]


@dataclass(frozen=True)
class Delivery:
    """One signed POST to one endpoint."""

    event_id: str
    type: str
    url: str
    headers: dict[str, str]
    body: bytes
    job: "Job" = field(repr=False, compare=False)


@dataclass
class Job:
    """An event that one endpoint has yet to receive."""

    event: Obj
    endpoint: Obj
    due: float
    attempt: int = 0


class Outbox:
    """Pending deliveries, ordered by due time and then by creation."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Job]] = []
        self._sequence = count()
        self._waiting_for_next: list[Job] = []
        self._held: list[Job] = []

    def __len__(self) -> int:
        return len(self._heap)

    def queue(self, event: Obj, endpoints: list[Obj], plan: "EventPlan") -> None:
        """Queue an event for each endpoint, as often and as late as the plan says."""
        due = self._clock.now() + plan.delay_s
        jobs = [Job(event, endpoint, due) for endpoint in endpoints for _ in range(plan.copies)]
        if plan.held:
            self._held += jobs
        elif plan.after_next:
            self._waiting_for_next += jobs
        elif jobs:
            late, self._waiting_for_next = self._waiting_for_next, []
            for job in jobs + late:
                self._push(job)

    def resend(self, event: Obj, endpoints: list[Obj]) -> None:
        for endpoint in endpoints:
            self._push(Job(event, endpoint, self._clock.now()))

    def release(self) -> int:
        """Release deliveries that are held or wait for the next event; return how many."""
        jobs = self._held + self._waiting_for_next
        self._held, self._waiting_for_next = [], []
        for job in jobs:
            job.due = self._clock.now()
            self._push(job)
        return len(jobs)

    def discard(self) -> int:
        """Discard all pending deliveries; return how many."""
        lost = len(self._heap) + len(self._held) + len(self._waiting_for_next)
        self._heap, self._held, self._waiting_for_next = [], [], []
        return lost

    def take(self, limit: int | None = None) -> list[Delivery]:
        """Return the due deliveries, signed as of now, and remove them from the queue."""
        deliveries: list[Delivery] = []
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now and (limit is None or len(deliveries) < limit):
            deliveries.append(self._sign(heappop(self._heap)[2]))
        return deliveries

    def succeeded(self, delivery: Delivery) -> None:
        event = delivery.job.event
        event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)

    def failed(self, delivery: Delivery) -> float | None:
        """Schedule a retry; return its delay in seconds, or None after the last one."""
        job = delivery.job
        if job.attempt >= len(BACK_OFF_S):
            return None
        wait = float(BACK_OFF_S[job.attempt])
        self._push(Job(job.event, job.endpoint, self._clock.now() + wait, job.attempt + 1))
        return wait

    def _push(self, job: Job) -> None:
        heappush(self._heap, (job.due, next(self._sequence), job))

    def _sign(self, job: Job) -> Delivery:
        version = job.endpoint["api_version"] or job.event["api_version"]
        body = json.dumps(event_in(job.event, version), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(body, job.endpoint["_secret"], int(self._clock.now())),
        }
        return Delivery(job.event["id"], job.event["type"], job.endpoint["url"], headers, body, job)


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """Return the `Stripe-Signature` of a body: https://docs.stripe.com/webhooks/signatures."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
