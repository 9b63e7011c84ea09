"""Everything that a run needs, set up once for a process, and the run of one plan on it."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from estuary.catalog.availability import free_slots
from estuary.catalog.models import ServiceSession
from estuary.common import clock as product_clock
from estuary.credits import ledger
from estuary.payments import client as stripe_client
from estuary.payments.client import API_VERSION
from stripe_sandbox import Sandbox
from stripe_sandbox.ids import Ids
from tests.simulation import clock as simulated
from tests.simulation.actors.buyers import Buyer
from tests.simulation.actors.house import Bank, Dashboard, Staff
from tests.simulation.actors.machines import Clockwork, Courier, Worker
from tests.simulation.choices import Choices
from tests.simulation.faults import SwarmFaults
from tests.simulation.findings import Findings
from tests.simulation.house import Wiper, build_world, open_database
from tests.simulation.locks import LockWatch
from tests.simulation.oracle import Broken, Oracle
from tests.simulation.plan import TEMPOS, TICKS, Act, Plan
from tests.simulation.scheduler import Actor, Crash, Crew, Scheduler
from tests.simulation.story import Story
from tests.simulation.yields import Database, SimulatedStripe
from tests.wiring import SECRET

HEAL_S, LAST_NEWS_S = (
    15 * 60.0,
    90.0,
)  # from the end of the faults; what comes in the last moment is settled too
LOOK_AGAIN_S = 320.0  # each periodic job of a quarter of an hour's rhythm and shorter runs again
WAIT_FOR_AN_ORDER = 6

_line: SimulatedStripe | None = None


def stripe_line() -> SimulatedStripe:
    """What the product's settings name as its HTTP client."""
    assert _line
    return _line


class Stage:
    """One process's database, sandbox, scheduler and oracle; plays one plan after another."""

    def __init__(self, name: str) -> None:
        global _line
        self.clock = simulated.SimulatedClock()
        self._ids = simulated.take_over(self.clock)
        watch = open_database(name)
        self.scheduler = Scheduler(self.clock, LockWatch(watch))
        self.story = Story(self.clock, self.scheduler.note)
        self.sandbox = Sandbox(
            webhook_url="http://testserver/api/v1/payments/webhook/",
            webhook_secret=SECRET,
            webhook_api_version=API_VERSION,
            clock=self.clock,
            ids=Ids(0),
        )
        self.faults = SwarmFaults(self.clock)
        self.sandbox.faults = self.sandbox.world.faults = self.faults
        self._travel = Random(0)
        settings.STRIPE_HTTP_CLIENT = "tests.simulation.stage.stripe_line"
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        settings.ALLOWED_HOSTS = ["testserver"]
        settings.WHITENOISE_AUTOREFRESH = True
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
        logging.disable()  # what the product logs is in the story
        stripe_client._client.cache_clear()
        self.world = build_world()
        self._find_times()
        self._wiper = Wiper(watch)
        self.oracle = Oracle(watch, self.sandbox)
        _line = SimulatedStripe(
            self.sandbox, self.scheduler, lambda: self._travel.uniform(0.05, 0.4), self.oracle.check_key
        )
        self._database = Database(self.scheduler, self._committed)
        self._crew = Crew()
        self.story.listen_to_logs()
        connection.close()

    def _find_times(self) -> None:
        at, services = product_clock.now(), self.world.services
        first = (at + timedelta(days=3)).date()
        self.slots = {
            name: [
                slot.starts_at.isoformat()
                for slot in free_slots(services[name], first_day=first, days=2, at=at)
            ]
            for name in ("session", "lesson")
        }
        self.seats = list(
            ServiceSession.objects.filter(service=services["workshop"]).values_list("pk", flat=True)
        )

    # --- One run ------------------------------------------------------------------------------------------------

    def play(self, plan: Plan) -> Findings:
        """Play a plan, heal, and check; what was found is returned, never raised."""
        self._begin_anew(plan)
        found, began = Findings(seed=plan.seed), time.monotonic()
        try:
            self._play_acts(plan)
            found.points = {actor.name: len(actor.points) for actor in self.scheduler.actors}
            self._heal(plan)
            self._check_the_end(plan)
        except Broken as broken:
            found.rule, found.told = broken.rule, str(broken)
        except Exception as failure:
            found.rule, found.told = type(failure).__name__, "".join(traceback.format_exception(failure))
        found.trace, found.lines, found.simulated_s = (
            self.scheduler.trace,
            self.story.lines,
            self.clock.elapsed_s,
        )
        found.crashed, found.struck = self.scheduler.crashed, dict(self.faults.struck)
        found.steps, found.took_s = self.scheduler.steps, time.monotonic() - began
        return found

    def _begin_anew(self, plan: Plan) -> None:
        seed = plan.seed
        self.clock.begin_anew()
        self.faults.begin_anew(seed, plan.weather)
        self.sandbox.reset()
        self.sandbox.ids._random.seed(f"{seed} stripe")
        self._ids.random.seed(f"{seed} ids")
        self._travel.seed(f"{seed} travel")
        self.scheduler.begin_anew(Random(f"{seed} schedule"), plan.patience, plan.beat_s)
        self.story.begin_anew()
        self.oracle.begin_anew()
        self._wiper.wipe()
        self._give_credits(plan)
        self._database.fine = plan.fine
        self.orders: list[str] = []
        self.jobs_begun: dict[int, float] = {}

    def _give_credits(self, plan: Plan) -> None:
        """Some buyers begin with credits, as a gift of the house."""
        gifts = [
            ledger.Posting(user.pk, "usd", ledger.Kind.ADJUSTMENT, minor, "gift")
            for user, minor in zip(self.world.buyers, plan.gifts, strict=False)
        ]
        with transaction.atomic():
            ledger.post(gifts, at=product_clock.now())

    def _play_acts(self, plan: Plan) -> None:
        pace = TEMPOS[plan.tempo]
        actors = [self._actor(who, self._performance(who, plan, pace), plan) for who in plan.actors]
        self.scheduler.run(
            actors + self._machines(plan, TICKS[plan.tempo], webhooks=plan.weather.webhooks), self._crew
        )

    def _performance(self, who: str, plan: Plan, pace: float) -> Callable[[], None]:
        begin = self.clock.now()

        def perform() -> None:
            for act in plan.acts:
                if act.who == who:
                    choices = Choices(Random(f"{plan.seed} act {act.number}"), dict(act.settled))
                    self.scheduler.sleep(begin + pace * act.moment - self.clock.now())
                    self._take(act, choices)

        return perform

    def _take(self, act: Act, choices: Choices) -> None:
        if act.verb == "wait":
            self.scheduler.sleep(float(act.thing))
        elif act.who.startswith("buyer"):
            Buyer(self, int(act.who[6]), choices).act(act.verb, act.thing)
        else:
            parts: dict[str, Callable[[Stage, Choices], Staff | Dashboard | Bank]]
            parts = {"refund": Staff, "dashboard": Dashboard, "bank": Bank}
            parts[act.verb](self, choices).act()

    def _machines(self, plan: Plan, tick_s: float, *, webhooks: bool) -> list[Actor]:
        idle_s = (tick_s / 2, tick_s * 2)
        workers = [Worker(self, Random(f"{plan.seed} worker {n}"), idle_s) for n in range(plan.workers)]
        machines = {f"worker {n + 1}": worker.play for n, worker in enumerate(workers)}
        machines["the clock"] = Clockwork(self, tick_s).play
        if webhooks:
            machines["the courier"] = Courier(
                self, Random(f"{plan.seed} courier"), (tick_s / 20, tick_s)
            ).play
        return [self._actor(name, play, plan, daemon=True) for name, play in machines.items()]

    def _actor(self, name: str, play: Callable[[], None], plan: Plan, *, daemon: bool = False) -> Actor:
        def with_connection() -> None:
            self._database.attach()
            try:
                play()
            except Crash:
                self.story.tell("is killed")
            finally:
                if connection.in_atomic_block or connection.needs_rollback:
                    self.recover()

        crashes = frozenset(point for who, point in plan.crashes if who == name)
        return Actor(name, with_connection, crashes, daemon)

    def _heal(self, plan: Plan) -> None:
        self.story.tell("the faults are over; everything gets a quarter of an hour")
        self.faults.end()
        self._database.fine = False
        self._let_machines_run(plan, HEAL_S, webhooks=plan.weather.webhooks)
        self._let_machines_run(plan, LAST_NEWS_S, webhooks=False)

    def _let_machines_run(self, plan: Plan, seconds: float, *, webhooks: bool) -> None:
        machines = self._machines(plan.in_calm, min(60.0, seconds / 5), webhooks=webhooks)
        self.scheduler.run(machines, self._crew, until=self.clock.now() + seconds)

    def _check_the_end(self, plan: Plan) -> None:
        self.oracle.check_safety()
        self.oracle.check_liveness()
        before = self.oracle.picture()
        self._let_machines_run(plan, LOOK_AGAIN_S, webhooks=False)
        after = self.oracle.picture()
        if before != after:
            changed = {
                table: (before[table], after[table]) for table in before if before[table] != after[table]
            }
            raise Broken("a second reconcile writes nothing", changed)

    def _committed(self, news: bool) -> None:
        if news:
            self.scheduler.rouse()
        self.oracle.note_keys()
        self.oracle.check_safety()

    # --- What the actors share ----------------------------------------------------------------------------------

    def knows_order(self, order_id: str) -> None:
        if order_id not in self.orders:
            self.orders.append(order_id)

    def await_order(self, choices: Choices) -> str:
        """Wait a while for an order, most often a paid one."""
        paid = (
            "SELECT public_id FROM orders_order WHERE captured_minor + credits_applied_minor > 0 ORDER BY id"
        )
        picky = choices.odds("a paid one", 0.85)
        find = (lambda: [str(row[0]) for row in self.oracle.rows(paid)]) if picky else (lambda: self.orders)
        return self.await_some(find, choices) or ""

    def await_some[T](self, find: Callable[[], Sequence[T]], choices: Choices) -> T | None:
        """Wait a while for something to be there, and choose one."""
        for _ in range(WAIT_FOR_AN_ORDER):
            if found := list(find()):
                return choices.pick("which", found)
            self.scheduler.sleep(choices.between(1, 10))
        return None

    def recover(self) -> None:
        """Start the process of the current actor anew after a crash."""
        self._database.reopen()

    def effect_is_there(self, query: str, *values: Any) -> None:
        """What was answered with a 2xx is committed."""
        if not self.oracle.rows(query, *values):
            raise Broken("what was answered with a 2xx is there", (query, values))
