"""The paths of Stripe's events and of the worker."""

import json
from typing import Any

from benchmarks.buyers import Play
from benchmarks.events import Payment, signed
from benchmarks.harness import Harness


def settling(harness: Harness) -> dict[str, Play]:
    """Return the paths of events, for the orders after the first ``harness.orders``."""
    from estuary.common import clock
    from estuary.payments.event_store import store_event
    from estuary.payments.inbox import processor

    def take_in(payment: Payment) -> None:
        body, _ = next(signed([payment]))
        store_event(json.loads(body), clock.now())
        assert processor.drain() == 1

    def unknown_event(turn: int) -> None:
        take_in(Payment.number(10**12 + turn))

    def settle(turn: int) -> None:
        take_in(Payment.number(harness.orders + 1 + turn))

    return {"unknown event": unknown_event, "settle": settle}


def by_the_clock(harness: Harness) -> dict[str, Play]:
    """Return the paths of periodic jobs and of a scrape of the metrics."""
    from estuary.payments import tasks
    from estuary.payments.observability import DATABASE_GAUGES

    jobs: list[Any] = [
        tasks.expire_orders,
        tasks.sweep_minute,
        tasks.close_past_bookings,
        tasks.ask_stripe,
        tasks.ask_stripe_far_back,
        tasks.forget_old_keys,
        tasks.forget_old_attempts,
        tasks.forget_old_events,
        tasks.forget_old_sessions,
    ]

    def gauges(turn: int) -> None:
        DATABASE_GAUGES.forget()
        assert len(list(DATABASE_GAUGES.collect())) > 1

    return {"gauges": gauges} | {job.name.removeprefix("payments."): _run(job) for job in jobs}


def _run(job: Any) -> Play:
    def run(turn: int) -> None:
        job.func(timestamp=0)

    return run
