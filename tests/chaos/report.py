"""What is printed: a line now and then while it runs, and a summary in the end."""

import re
import time
from collections import Counter
from pathlib import Path

from demo.selfcheck.stripe import Dashboard
from estuary.common.money import display
from tests.chaos.counters import Counters
from tests.chaos.deployment import Deployment
from tests.chaos.promises import Promises

DELIVERY = re.compile(r"webhook \S+ (evt_\w+) -> (\w+)")
SHOWN = 12


class Report:
    """Prints for one run."""

    def __init__(self, deployment: Deployment, counters: Counters, promises: Promises) -> None:
        self._deployment, self._counters, self._promises = deployment, counters, promises
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        print(f"{self.elapsed_s:5.0f} s  {text}", flush=True)

    def progress(self) -> None:
        killed = sum(self._deployment.killed.values())
        answers = self._counters.of("answers")
        self.say(
            f"{self._counters.total('payments'):,} payments; "
            f"{killed} killed ({_listed(self._deployment.killed) or 'none'}); "
            f"{self._counters.total('broken connections'):,} connections broken, {answers['503']:,} × 503"
        )

    def summary(self, dashboard: Dashboard, *, bought_s: float, healed_s: float, doctor: str) -> None:
        """Print everything that was counted."""
        counters, deployment = self._counters, self._deployment
        amounts = ", ".join(display(minor, currency) for currency, minor in counters.of("captured").items())
        restarts = deployment.started - Counter(
            {
                "web": len(deployment.ports),
                "worker": len(deployment.ports),
                "PgBouncer": 1,
                "proxy": 1,
                "webhook": 1,
            }
        )
        deliveries = _Deliveries(deployment.plan.logs / "stripe.log", dashboard)
        acts = (
            "bought in two tabs",
            "covered by credits",
            "refunds by staff",
            "refunds in the dashboard",
            "disputes",
        )
        lines = {
            "payments": f"{counters.total('payments'):,} captured at Stripe, {amounts or 'nothing'}",
            "besides": ", ".join(
                f"{counters.total(act):,} {act}" for act in (*acts, "bookings canceled", "left under way")
            ),
            "killed": f"{sum(deployment.killed.values())}: {_listed(deployment.killed)}",
            "restarted": f"{sum(restarts.values())}: {_listed(restarts)}",
            **({"nodes": str(deployment.balancer)} if deployment.balancer.led_to else {}),
            "answers": _listed(counters.of("answers")),
            "refusals": _listed(counters.of("refusals")),
            "broken": f"{counters.total('broken connections'):,} connections: "
            + _listed(counters.of("broken connections")),
            "gave up": _listed(counters.of("gave up")) or "nobody",
            "at Stripe": f"{counters.total('Stripe refused or was silent'):,} acts that it refused or did not answer",
            "faults": _listed(counters.of("faults")),
            "events": str(deliveries),
            "promises": _listed(Counter(self._promises.counts)),
            "time": f"{bought_s:.0f} s of buying, {counters.total('payments') / bought_s:.1f} payments a second; "
            f"healed {healed_s:.0f} s after the last was killed",
            "doctor": doctor,
        }
        print("\n" + "\n".join(f"{name:<10} {line}" for name, line in lines.items()), flush=True)


class _Deliveries:
    """What became of Stripe's events, by its log."""

    def __init__(self, log: Path, dashboard: Dashboard) -> None:
        tried = DELIVERY.findall(log.read_text(errors="replace"))
        taken = Counter(event_id for event_id, outcome in tried if outcome.startswith("2"))
        self._taken, self._again = len(taken), taken.total() - len(taken)
        self._failed = len(tried) - taken.total()
        event_ids = {event["id"] for event in dashboard.events()}
        self._never = len(event_ids - {event_id for event_id, _ in tried})
        self._events = len(event_ids)

    def __str__(self) -> str:
        return (
            f"{self._events:,} at Stripe; {self._taken:,} delivered, {self._again:,} more than once; "
            f"{self._failed:,} deliveries failed and were tried again; {self._never:,} never came"
        )


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} × {name}" for name, count in counted.most_common(SHOWN))
