"""What runs by itself: the workers, the clock that sets periodic work going, and Stripe's courier."""

import json
import math
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import connection

from estuary.common import clock
from estuary.payments.inbox import processor
from stripe_sandbox.webhook_queue import Delivery, signature
from tests.jobs import periodic_tasks, retry_after_s, task_named
from tests.sandbox_bridge import SECRET
from tests.simulation.actors.foreign_events import bring_event_of_another_account
from tests.simulation.browser import Browser
from tests.simulation.oracle import InvariantViolation
from tests.simulation.scheduler import Crash

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

TAKE_A_JOB = (
    "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (SELECT id FROM procrastinate_jobs"
    " WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= %s)"
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, task_name, args, attempts"
)
REVIVED_AFTER_S = 60.0
WEBHOOK = "/api/v1/payments/webhook/"
FORGED = 0.05  # how often somebody else knocks at the door for Stripe's events
CONNECTED = 0.05  # how often an event of another account comes along


class Worker:
    """Drains the inbox and runs jobs; killed, it is started again, and its job is run again a while later."""

    def __init__(self, harness: "Harness", chance: Random, idle_s: tuple[float, float]) -> None:
        self.harness, self.chance, self._idle_s = harness, chance, idle_s

    def play(self) -> None:
        while True:
            try:
                busy = processor.drain() > 0
                busy = self._run_a_job() or busy
            except Crash as crash:
                self.harness.recover()
                self.harness.run_log.add(f"is killed {crash}, and started again")
                self.harness.scheduler.sleep(self.chance.uniform(1, 30))
                continue
            if not busy:
                self.harness.scheduler.nap(self.chance.uniform(*self._idle_s))

    def _run_a_job(self) -> bool:
        jobs = self.harness.jobs_left
        try:
            job = self._take_a_job()
        except BaseException:  # the process is killed when it had just taken one, and nobody else is at it
            for (job_id,) in self.harness.oracle.rows(
                "SELECT id FROM procrastinate_jobs WHERE status = 'doing'"
            ):
                jobs.setdefault(job_id, self.harness.clock.now())
            raise
        if not job:
            return False
        job_id, name, args, attempts = job
        jobs[job_id] = math.inf  # somebody is at it
        try:
            self._carry_out(job_id, task_named(name), args, attempts)
        except BaseException:  # the process is killed: nobody is at this job any more
            jobs[job_id] = self.harness.clock.now()
            raise
        jobs.pop(job_id, None)  # it may have been revived meanwhile, and done by another worker too
        return True

    def _take_a_job(self) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(TAKE_A_JOB, [clock.now()])
            return cursor.fetchone()

    def _carry_out(self, job_id: int, task: Any, args: str, attempts: int) -> None:
        try:
            task(**json.loads(args))
        except Exception as error:
            self.harness.run_log.add(f"  the job {task.name} failed: {type(error).__name__}: {error}"[:200])
            self._again_later(job_id, task, error, attempts)
        else:
            self.harness.scheduler.point("before ack", task.name)
            _execute("DELETE FROM procrastinate_jobs WHERE id = %s", job_id)

    def _again_later(self, job_id: int, task: Any, error: Exception, attempts: int) -> None:
        """As procrastinate does: by the task's own strategy, at a moment of simulated time."""
        wait_s = retry_after_s(task, error, attempts)
        if wait_s is None:
            self.harness.run_log.add("  and is given up")
            _execute("DELETE FROM procrastinate_jobs WHERE id = %s", job_id)
            return
        _execute(
            "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = %s WHERE id = %s",
            clock.now() + timedelta(seconds=wait_s),
            job_id,
        )


def revive_jobs(harness: "Harness") -> None:
    """Run again what a killed worker had begun, once its heart has been still for a while."""
    for job_id, left in list(harness.jobs_left.items()):
        if left + REVIVED_AFTER_S < harness.clock.now() and harness.jobs_left.pop(job_id, 0.0):
            _execute(
                "UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s AND status = 'doing'", job_id
            )


def _execute(query: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)


class Clockwork:
    """Sets the periodic jobs going, at most as often as their crons say."""

    def __init__(self, harness: "Harness", tick_s: float) -> None:
        self.harness, self._tick_s = harness, tick_s
        self._verbs = [(every, verb, harness.clock.now()) for every, verb in periodic_tasks()]

    def play(self) -> None:
        while True:
            self.harness.scheduler.sleep(self._tick_s)
            for number, (every, verb, last) in enumerate(self._verbs):
                now = self.harness.clock.now()
                if now - last >= every:
                    self._verbs[number] = (every, verb, now)
                    self._set_going(verb, int(now))
            revive_jobs(self.harness)

    def _set_going(self, verb: Callable[[int], None], timestamp: int) -> None:
        try:
            verb(timestamp)
        except Crash as crash:
            self.harness.recover()
            self.harness.run_log.add(f"is killed {crash}, and started again")


class Courier:
    """Carries Stripe's events to our door, and tries again when it is not let in."""

    def __init__(self, harness: "Harness", chance: Random, idle_s: tuple[float, float]) -> None:
        self.harness, self.chance, self._idle_s = harness, chance, idle_s
        self.browser = Browser(harness.scheduler, harness.run_log, harness.recover, None)

    def play(self) -> None:
        state = self.harness.sandbox.state
        while True:
            with self.harness.sandbox.lock:
                state.timers.run_due()
                taken = state.outbox.take(1)
            for delivery in taken:
                if self.chance.random() < FORGED:
                    self._forge(delivery)
                if self.chance.random() < CONNECTED:
                    bring_event_of_another_account(self.harness, self.chance, self.browser)
                signed = {k: v for k, v in delivery.headers.items() if k.lower() == "stripe-signature"}
                answer = self.browser.ask("post", WEBHOOK, delivery.body, **signed)
                if answer.fine:
                    self.harness.effect_is_there(
                        "SELECT 1 FROM payments_webhookevent WHERE stripe_event_id = %s", delivery.event_id
                    )
                else:
                    state.outbox.failed(delivery)
            if not taken:
                self.harness.scheduler.sleep(self.chance.uniform(*self._idle_s))

    def _forge(self, delivery: Delivery) -> None:
        """Somebody else sends what looks like an event: it is refused, and nothing of it is kept."""
        event = json.loads(delivery.body)
        event["id"] = f"evt_forged{self.chance.getrandbits(64):x}"
        body, now = json.dumps(event).encode(), int(self.harness.clock.now())
        how = self.chance.choice(
            ["unsigned", "of another body", "another secret", "too old", "of the future"]
        )
        headers = {
            "unsigned": {},
            "of another body": {"Stripe-Signature": signature(delivery.body, SECRET, now)},
            "another secret": {"Stripe-Signature": signature(body, "whsec_of_somebody_else_altogether", now)},
            "too old": {"Stripe-Signature": signature(body, SECRET, now - 3600)},
            "of the future": {"Stripe-Signature": signature(body, SECRET, now + 3600)},
        }[how]
        answer = self.browser.ask("post", WEBHOOK, body, **headers)
        self.harness.run_log.add(f"brings a forged event, {how} → {answer.status}")
        kept = self.harness.oracle.rows(
            "SELECT 1 FROM payments_webhookevent WHERE stripe_event_id = %s", event["id"]
        )
        if kept or answer.status not in {400, 503, 0}:
            raise InvariantViolation("what Stripe did not sign is refused", (how, answer.status, kept))
