"""One run from its first payment to the verdict."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import final_checks
from tests.chaos.buyers import Buyer, live
from tests.chaos.counters import Counters
from tests.chaos.deployment import Deployment
from tests.chaos.faults import Killer, Trouble
from tests.chaos.person import Person
from tests.chaos.promises import Promises
from tests.chaos.report import Report
from tests.chaos.shared_state import SharedState
from tests.chaos.staff import AtTheDashboard, Staff, work
from tests.chaos.world import World, make_world
from tests.database_cleanup import drop_connections

HEALED_WITHIN_S = 15 * 60
LOOK_S, TELL_S, NUDGE_S = 2.0, 5.0, 10.0


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What a run is to be.

    ``small``: each kind is killed once, buyers leave nothing unpaid, no news is lost for good, and the worker is told
    to ask Stripe before its clock says so.
    """

    payments: int
    kill_every_s: float
    clients: int
    seed: int
    small: bool


def play(deployment: Deployment, options: PlayOptions) -> list[str]:
    """Let people buy while things die, let it heal, and return what is wrong, in words."""
    world, counters, promises = make_world(options.clients), Counters(), Promises()
    shared, report = SharedState(deployment.plan, counters), Report(deployment, counters, promises)
    deployment.begin()
    report.say(f"{len(world.buyers)} buyers; web servers, workers and PostgreSQL are up")
    crowd = Crowd(deployment, options, world, shared, promises)
    bought_s = crowd.buy(report)
    report.say("nobody is killed any more, and Stripe behaves")
    began = time.monotonic()
    late = _heal(report, small=options.small)
    if not late:
        final_checks.look_at_stripe()
        late = _heal(report, small=options.small)
    healed_s = time.monotonic() - began
    changed = [] if late else final_checks.what_a_second_look_changes()
    healthy, verdict = final_checks.ask_the_doctor(deployment.env)
    promises.events_in(deployment.plan.logs / "stripe.log")
    report.summary(shared.dashboard, bought_s=bought_s, healed_s=healed_s, doctor=verdict)
    return [
        *late,
        *changed,
        *([] if healthy else [f"the doctor found something: {verdict}"]),
        *promises.broken(deployment.env["DATABASE_URL"]),
        *final_checks.failed_jobs(),
        *deployment.ended_alone,
        *(f"an answer that nobody may see: {answer}" for answer in counters.of("unhandled")),
        *crowd.failures,
    ]


class Crowd:
    """A thread for each who acts, those who kill and make trouble among them."""

    def __init__(
        self,
        deployment: Deployment,
        options: PlayOptions,
        world: World,
        shared: SharedState,
        promises: Promises,
    ) -> None:
        self._options, self._shared = options, shared
        self._url = f"http://127.0.0.1:{deployment.plan.web_port}"
        self._promises = promises
        self._killer = Killer(
            deployment, seed=options.seed, every_s=options.kill_every_s, each_once=options.small
        )
        self._trouble = Trouble(shared, seed=options.seed, mild=options.small)
        self._enough = threading.Event()
        self.failures: list[str] = []
        self._buyers = [
            Buyer(self._person(email), shared, world, tidy=options.small) for email in world.buyers
        ]
        self._staff = [Staff(self._person(email), shared) for email in world.staff]
        self._dashboard = AtTheDashboard(shared, random.Random(f"{options.seed} dashboard"))

    def _person(self, email: str) -> Person:
        chance = random.Random(f"{self._options.seed} {email}")
        person = Person(
            email, self._url, promises=self._promises, counters=self._shared.counters, chance=chance
        )
        person.sign_in()
        return person

    def buy(self, report: Report) -> float:
        """Buy until there are as many payments as are wanted; returns how many seconds it took."""
        threads = [threading.Thread(target=self._guarded, args=[self._live, buyer]) for buyer in self._buyers]
        busy = [*self._staff, self._dashboard]
        threads += [threading.Thread(target=self._guarded, args=[self._work, actor]) for actor in busy]
        began = time.monotonic()
        for thread in (*threads, self._killer, self._trouble):
            thread.daemon = True
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(TELL_S / len(threads))
            report.progress()
            if self._enough.is_set():
                # Each second brings a fault, so the last buyer of all would meet every one of them, and never end.
                self._trouble.stop()
        self._killer.stop()
        self._trouble.stop()
        return time.monotonic() - began

    def _live(self, buyer: Buyer) -> None:
        live(buyer, until=self._is_enough, shared=self._shared)

    def _work(self, actor: Staff | AtTheDashboard) -> None:
        work(
            actor, until=lambda pause_s: self._enough.wait(pause_s) or self._is_enough(), shared=self._shared
        )

    def _is_enough(self) -> bool:
        if (
            self._shared.counters.total("payments") >= self._options.payments
            and self._killer.has_killed_each_kind
        ):
            self._enough.set()
        if self.failures or self._killer.failure:
            self._enough.set()
        return self._enough.is_set()

    def _guarded[T](self, act: Callable[[T], None], actor: T) -> None:
        try:
            act(actor)
        except Exception as problem:  # a mistake of the chaos's own must end it, not hide in a thread
            self.failures.append(f"{type(actor).__name__} could not go on: {problem!r}")


def _heal(report: Report, *, small: bool) -> list[str]:
    """Wait until nothing waits and the doctor finds nothing; returns what is still wrong when time is over."""
    began = reported_at = nudged = time.monotonic()
    drop_connections()  # those of the pool lead to a server that was killed
    while True:
        left = [f"{count} {what} still on their way" for what, count in final_checks.waiting().items()]
        left = left or [final_checks.describe_breach(breach) for breach in final_checks.breaches()]
        now = time.monotonic()
        if not left:
            return []
        if now - began > HEALED_WITHIN_S:
            return [f"not healed after {HEALED_WITHIN_S // 60} minutes: {one}" for one in left]
        if now - reported_at > TELL_S:
            report.say("; ".join(left)[:200])
            reported_at = now
        if small and now - nudged > NUDGE_S:
            final_checks.nudge()
            nudged = now
        time.sleep(LOOK_S)
