"""One run: the acts of a scenario and all that runs by itself, a quarter of an hour without faults, and the checks."""

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
from tests.simulation.actors.practitioner import DatesPractitioner
from tests.simulation.actors.staff_and_banks import Bank, Cardholder, Dashboard, Staff
from tests.simulation.actors.staff_permissions import LimitedStaff
from tests.simulation.draws import Draws
from tests.simulation.harness import Harness
from tests.simulation.oracle import InvariantViolation
from tests.simulation.run_result import RunResult
from tests.simulation.scenario import TEMPOS, TICKS, Act, Scenario
from tests.simulation.scheduler import Actor, Crash

HEAL_S = 15 * 60.0
LAST_EVENTS_S = 90.0  # what came in the last moment is settled too
LOOK_AGAIN_S = 320.0  # longer than the time between two looks at Stripe
LAST_ERASURE_S = 680.0  # longer than the time between two looks for what Stripe has sent of the erased


class ScenarioRunner:
    """Plays scenarios in one harness."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def play(self, scenario: Scenario) -> RunResult:
        """Play a scenario, heal, and check; a violation is returned, never raised."""
        self._harness.reset(scenario)
        result, began = RunResult(seed=scenario.seed), time.monotonic()
        try:
            self._play_acts(scenario)
            result.points = {actor.name: len(actor.points) for actor in self._harness.scheduler.actors}
            self._let_a_copy_look(scenario)
            self._heal(scenario)
            self._check_the_end(scenario)
        except InvariantViolation as broken:
            result.rule, result.message = broken.rule, str(broken)
        except Exception as failure:
            result.rule, result.message = type(failure).__name__, "".join(traceback.format_exception(failure))
        scheduler = self._harness.scheduler
        result.trace, result.crashed, result.steps = scheduler.trace, scheduler.crashed, scheduler.steps
        result.lines, result.struck = self._harness.run_log.lines, dict(self._harness.faults.struck)
        result.simulated_s, result.took_s = self._harness.clock.elapsed_s, time.monotonic() - began
        return result

    def _play_acts(self, scenario: Scenario) -> None:
        pace = TEMPOS[scenario.tempo]
        actors = [
            self._actor(who, self._performance(who, scenario, pace), scenario) for who in scenario.actors
        ]
        self._harness.scheduler.run(
            actors
            + self._machines(scenario, TICKS[scenario.tempo], webhooks=scenario.fault_profile.webhooks),
            self._harness.thread_pool,
        )

    def _performance(self, who: str, scenario: Scenario, pace: float) -> Callable[[], None]:
        begin = self._harness.clock.now()

        def perform() -> None:
            for act in scenario.acts:
                if act.who == who:
                    draws = Draws(Random(f"{scenario.seed} act {act.like or act.number}"), dict(act.settled))
                    self._harness.scheduler.sleep(begin + pace * act.moment - self._harness.clock.now())
                    self._take(act, draws)

        return perform

    def _take(self, act: Act, draws: Draws) -> None:
        if act.verb == "wait":
            self._harness.scheduler.sleep(float(act.thing))
        elif act.who.startswith("buyer"):
            perform_act(Buyer(self._harness, int(act.who[6]), draws), act.verb, act.thing)
        else:
            parts: dict[
                str,
                Callable[
                    [Harness, Draws],
                    Staff
                    | Dashboard
                    | Bank
                    | LateBank
                    | Cardholder
                    | Mistyper
                    | Hoarder
                    | LimitedStaff
                    | Office
                    | DatesPractitioner,
                ],
            ]
            parts = {"refund": Staff, "dashboard": Dashboard, "bank": Bank, "dispute": Cardholder}
            parts |= {
                "late bank": LateBank,
                "mistype": Mistyper,
                "hoard": Hoarder,
                "try permissions": LimitedStaff,
                "erase": Office,
                "call off": DatesPractitioner,
            }
            parts[act.verb](self._harness, draws).act()

    def _machines(self, scenario: Scenario, tick_s: float, *, webhooks: bool) -> list[Actor]:
        idle_s = (tick_s / 2, tick_s * 2)
        workers = [
            Worker(self._harness, Random(f"{scenario.seed} worker {n}"), idle_s)
            for n in range(scenario.workers)
        ]
        machines = {f"worker {n + 1}": worker.play for n, worker in enumerate(workers)}
        machines |= {
            f"clock {n + 1}": Clockwork(self._harness, tick_s * (1 + n / 8)).play
            for n in range(scenario.clocks)
        }
        if webhooks:
            machines["the courier"] = Courier(
                self._harness, Random(f"{scenario.seed} courier"), (tick_s / 20, tick_s)
            ).play
        return [self._actor(name, play, scenario, daemon=True) for name, play in machines.items()]

    def _actor(
        self, name: str, play: Callable[[], None], scenario: Scenario, *, daemon: bool = False
    ) -> Actor:
        def with_connection() -> None:
            self._harness.database.attach()
            try:
                play()
            except Crash:
                self._harness.run_log.add("is killed")
            finally:
                self._harness.database.leave()

        crashes = frozenset(point for who, point in scenario.crashes if who == name)
        return Actor(name, with_connection, crashes, daemon)

    def _let_a_copy_look(self, scenario: Scenario) -> None:
        """Start a copy of the database without faults, for longer than any hold lasts."""
        if not scenario.copy:
            return
        self._harness.faults.end()
        with as_copy(self._harness, scenario.copy, first_read_fails=scenario.seed % 2 == 0) as goes_on:
            if goes_on:
                self._let_machines_run(scenario, A_COPY_LOOKS_FOR_S, webhooks=False)

    def _heal(self, scenario: Scenario) -> None:
        self._harness.run_log.add("the faults are over; everything gets a quarter of an hour")
        self._harness.faults.end()
        self._harness.database.fine = False
        self._harness.scheduler.blur_s = 0.0
        self._let_machines_run(scenario, HEAL_S, webhooks=scenario.fault_profile.webhooks)
        self._let_machines_run(scenario, LAST_EVENTS_S, webhooks=False)

    def _let_machines_run(self, scenario: Scenario, seconds: float, *, webhooks: bool) -> None:
        machines = self._machines(scenario.in_calm, min(60.0, seconds / 5), webhooks=webhooks)
        self._harness.scheduler.run(
            machines, self._harness.thread_pool, until=self._harness.clock.now() + seconds
        )

    def _check_the_end(self, scenario: Scenario) -> None:
        self._harness.oracle.check_safety()
        self._harness.oracle.check_liveness()
        before = self._harness.oracle.picture()
        erases = any(act.verb == "erase" for act in scenario.acts)
        self._let_machines_run(scenario, LAST_ERASURE_S if erases else LOOK_AGAIN_S, webhooks=False)
        after = self._harness.oracle.picture()
        if before != after:
            changed = {
                table: (before[table], after[table]) for table in before if before[table] != after[table]
            }
            raise InvariantViolation("a second reconcile writes nothing", changed)
        self._harness.oracle.erased.check()
