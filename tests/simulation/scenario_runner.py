"""One run: the acts of a plan and all that runs by itself, a quarter of an hour without faults, and the checks."""

import time
import traceback
from collections.abc import Callable
from random import Random

from tests.simulation.actors.background import Clockwork, Courier, Worker
from tests.simulation.actors.buyer_acts import perform_act
from tests.simulation.actors.buyers import Buyer
from tests.simulation.actors.database_copy import A_COPY_LOOKS_FOR_S, as_copy
from tests.simulation.actors.erasure import Office
from tests.simulation.actors.hoarder import Hoarder
from tests.simulation.actors.late_bank import LateBank
from tests.simulation.actors.mistyper import Mistyper
from tests.simulation.actors.staff_and_banks import Bank, Cardholder, Dashboard, Staff
from tests.simulation.actors.staff_permissions import LimitedStaff
from tests.simulation.draws import Choices
from tests.simulation.harness import Stage
from tests.simulation.oracle import Broken
from tests.simulation.run_result import Findings
from tests.simulation.scenario import TEMPOS, TICKS, Act, Plan
from tests.simulation.scheduler import Actor, Crash

HEAL_S = 15 * 60.0
LAST_NEWS_S = 90.0  # what came in the last moment is settled too
LOOK_AGAIN_S = 320.0  # longer than the time between two looks at Stripe
LAST_ERASURE_S = 680.0  # longer than the time between two looks for what Stripe has sent of the erased


class Player:
    """Plays plans on one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def play(self, plan: Plan) -> Findings:
        """Play a plan, heal, and check; what was found is returned, never raised."""
        self._stage.begin_anew(plan)
        found, began = Findings(seed=plan.seed), time.monotonic()
        try:
            self._play_acts(plan)
            found.points = {actor.name: len(actor.points) for actor in self._stage.scheduler.actors}
            self._let_a_copy_look(plan)
            self._heal(plan)
            self._check_the_end(plan)
        except Broken as broken:
            found.rule, found.told = broken.rule, str(broken)
        except Exception as failure:
            found.rule, found.told = type(failure).__name__, "".join(traceback.format_exception(failure))
        scheduler = self._stage.scheduler
        found.trace, found.crashed, found.steps = scheduler.trace, scheduler.crashed, scheduler.steps
        found.lines, found.struck = self._stage.story.lines, dict(self._stage.faults.struck)
        found.simulated_s, found.took_s = self._stage.clock.elapsed_s, time.monotonic() - began
        return found

    def _play_acts(self, plan: Plan) -> None:
        pace = TEMPOS[plan.tempo]
        actors = [self._actor(who, self._performance(who, plan, pace), plan) for who in plan.actors]
        self._stage.scheduler.run(
            actors + self._machines(plan, TICKS[plan.tempo], webhooks=plan.weather.webhooks), self._stage.crew
        )

    def _performance(self, who: str, plan: Plan, pace: float) -> Callable[[], None]:
        begin = self._stage.clock.now()

        def perform() -> None:
            for act in plan.acts:
                if act.who == who:
                    choices = Choices(Random(f"{plan.seed} act {act.like or act.number}"), dict(act.settled))
                    self._stage.scheduler.sleep(begin + pace * act.moment - self._stage.clock.now())
                    self._take(act, choices)

        return perform

    def _take(self, act: Act, choices: Choices) -> None:
        if act.verb == "wait":
            self._stage.scheduler.sleep(float(act.thing))
        elif act.who.startswith("buyer"):
            perform_act(Buyer(self._stage, int(act.who[6]), choices), act.verb, act.thing)
        else:
            parts: dict[
                str,
                Callable[
                    [Stage, Choices],
                    Staff
                    | Dashboard
                    | Bank
                    | LateBank
                    | Cardholder
                    | Mistyper
                    | Hoarder
                    | LimitedStaff
                    | Office,
                ],
            ]
            parts = {"refund": Staff, "dashboard": Dashboard, "bank": Bank, "dispute": Cardholder}
            parts |= {
                "late bank": LateBank,
                "mistype": Mistyper,
                "hoard": Hoarder,
                "try permissions": LimitedStaff,
                "erase": Office,
            }
            parts[act.verb](self._stage, choices).act()

    def _machines(self, plan: Plan, tick_s: float, *, webhooks: bool) -> list[Actor]:
        idle_s = (tick_s / 2, tick_s * 2)
        workers = [
            Worker(self._stage, Random(f"{plan.seed} worker {n}"), idle_s) for n in range(plan.workers)
        ]
        machines = {f"worker {n + 1}": worker.play for n, worker in enumerate(workers)}
        machines |= {
            f"clock {n + 1}": Clockwork(self._stage, tick_s * (1 + n / 8)).play for n in range(plan.clocks)
        }
        if webhooks:
            machines["the courier"] = Courier(
                self._stage, Random(f"{plan.seed} courier"), (tick_s / 20, tick_s)
            ).play
        return [self._actor(name, play, plan, daemon=True) for name, play in machines.items()]

    def _actor(self, name: str, play: Callable[[], None], plan: Plan, *, daemon: bool = False) -> Actor:
        def with_connection() -> None:
            self._stage.database.attach()
            try:
                play()
            except Crash:
                self._stage.story.tell("is killed")
            finally:
                self._stage.database.leave()

        crashes = frozenset(point for who, point in plan.crashes if who == name)
        return Actor(name, with_connection, crashes, daemon)

    def _let_a_copy_look(self, plan: Plan) -> None:
        """Start a copy of the database in calm weather, for longer than any hold lasts."""
        if not plan.copy:
            return
        self._stage.faults.end()
        with as_copy(self._stage, plan.copy) as goes_on:
            if goes_on:
                self._let_machines_run(plan, A_COPY_LOOKS_FOR_S, webhooks=False)

    def _heal(self, plan: Plan) -> None:
        self._stage.story.tell("the faults are over; everything gets a quarter of an hour")
        self._stage.faults.end()
        self._stage.database.fine = False
        self._stage.scheduler.blur_s = 0.0
        self._let_machines_run(plan, HEAL_S, webhooks=plan.weather.webhooks)
        self._let_machines_run(plan, LAST_NEWS_S, webhooks=False)

    def _let_machines_run(self, plan: Plan, seconds: float, *, webhooks: bool) -> None:
        machines = self._machines(plan.in_calm, min(60.0, seconds / 5), webhooks=webhooks)
        self._stage.scheduler.run(machines, self._stage.crew, until=self._stage.clock.now() + seconds)

    def _check_the_end(self, plan: Plan) -> None:
        self._stage.oracle.check_safety()
        self._stage.oracle.check_liveness()
        before = self._stage.oracle.picture()
        erases = any(act.verb == "erase" for act in plan.acts)
        self._let_machines_run(plan, LAST_ERASURE_S if erases else LOOK_AGAIN_S, webhooks=False)
        after = self._stage.oracle.picture()
        if before != after:
            changed = {
                table: (before[table], after[table]) for table in before if before[table] != after[table]
            }
            raise Broken("a second reconcile writes nothing", changed)
        self._stage.oracle.erased.check()
