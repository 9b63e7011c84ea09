"""Everything that a run needs, set up once for a process: database, world, sandbox, scheduler, oracle."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import connection, transaction

from estuary.catalog.availability import free_slots
from estuary.catalog.models import ServiceSession
from estuary.common import clock as product_clock
from estuary.credits import ledger
from estuary.payments import client as stripe_client
from estuary.payments.client import API_VERSION
from stripe_sandbox import Sandbox
from stripe_sandbox.ids import Ids
from tests.sandbox_bridge import SECRET
from tests.simulation import clock as simulated
from tests.simulation.draws import Draws
from tests.simulation.faults import SwarmFaults
from tests.simulation.interleaving import Database, SimulatedStripe
from tests.simulation.locks import LockWatch
from tests.simulation.oracle import InvariantViolation, Oracle
from tests.simulation.oracle.safety import MOST_HOLDS
from tests.simulation.run_log import RunLog
from tests.simulation.scenario import Scenario
from tests.simulation.scheduler import Scheduler, ThreadPool
from tests.simulation.sign_in_gate import SignInGate
from tests.simulation.typed_values import undo
from tests.simulation.world import Wiper, build_world, open_database

LOOKS = 6  # how often somebody looks whether what they wait for is there

_line: SimulatedStripe | None = None


def stripe_line() -> SimulatedStripe:
    """What the product's settings name as its HTTP client."""
    assert _line
    return _line


class Harness:
    """The harness of one process, which plays one run after another."""

    def __init__(self, database: str) -> None:
        self.clock = simulated.SimulatedClock()
        self._ids = simulated.take_over(self.clock)
        outside_connection = open_database(database)
        self.scheduler = Scheduler(self.clock, LockWatch(outside_connection))
        self.run_log = RunLog(self.clock, self.scheduler.note)
        self.sandbox = _sandbox(self.clock)
        self.faults = SwarmFaults(self.clock)
        self.sandbox.faults = self.sandbox.state.faults = self.faults
        self.oracle = Oracle(outside_connection, self.sandbox)
        self._travel = Random(0)
        self._connect_stripe()
        _settle_settings()
        self.world = build_world()
        self._find_times()
        self.oracle.erased.learn_names()
        ContentType.objects.get_for_models(
            *apps.get_models()
        )  # looked up once in a process: before the first scenario
        connection.close()
        self._wiper = Wiper(outside_connection)
        self.database = Database(self.scheduler, self._committed)
        self.thread_pool = ThreadPool()
        self.run_log.listen_to_logs(self.oracle.answers.check_text)

    def _connect_stripe(self) -> None:
        global _line
        travel = self._travel
        _line = SimulatedStripe(
            self.sandbox, self.scheduler, lambda: travel.uniform(0.05, 0.4), self.oracle.check_key
        )
        settings.STRIPE_HTTP_CLIENT = "tests.simulation.harness.stripe_line"
        stripe_client._client.cache_clear()

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

    def reset(self, scenario: Scenario) -> None:
        """Reset everything, with the seed of this scenario."""
        seed = scenario.seed
        self.clock.reset()
        self.faults.reset(seed, scenario.fault_profile)
        self.sandbox.reset()
        self.sandbox.ids._random.seed(f"{seed} stripe")
        self._ids.random.seed(f"{seed} ids")
        self._travel.seed(f"{seed} travel")
        self.scheduler.reset(Random(f"{seed} schedule"), scenario.patience, scenario.blur_s)
        self.run_log.reset()
        self.oracle.reset()
        self._wiper.wipe()
        undo(self.world.services.values())
        stripe_client._is_account_confirmed.cache_clear()
        stripe_client._ownership_guard.cache_clear()
        vars(mail)["outbox"] = []
        self._give_credits(scenario)
        self.database.fine = scenario.fine
        self.orders: list[str] = []
        self.sign_in_gate = SignInGate(self.oracle.rows)
        self.jobs_left: dict[int, float] = {}

    def _give_credits(self, scenario: Scenario) -> None:
        """Some buyers begin with credits, as a gift."""
        gifts = [
            ledger.Posting(user.pk, "usd", ledger.Kind.ADJUSTMENT, minor, "gift")
            for user, minor in zip(self.world.buyers, scenario.gifts, strict=False)
        ]
        with transaction.atomic():
            ledger.post(gifts, at=product_clock.now())

    def _committed(self, has_work: bool) -> None:
        if has_work:
            self.scheduler.rouse()
        self.oracle.note_keys()
        self.oracle.check_safety()

    # --- What the actors share ----------------------------------------------------------------------------------

    def knows_order(self, order_id: str) -> None:
        if order_id not in self.orders:
            self.orders.append(order_id)

    def await_order(self, draws: Draws) -> str:
        """Wait a while for an order, most often a paid one."""
        paid = (
            "SELECT public_id FROM orders_order WHERE captured_minor + credits_applied_minor > 0 ORDER BY id"
        )
        picky = draws.odds("a paid one", 0.85)
        find = (lambda: [str(row[0]) for row in self.oracle.rows(paid)]) if picky else (lambda: self.orders)
        return self.await_some(find, draws) or ""

    def await_some[T](self, find: Callable[[], Sequence[T]], draws: Draws) -> T | None:
        """Wait a while for something to be there, and choose one."""
        for _ in range(LOOKS):
            if rows := list(find()):
                return draws.pick("which", rows)
            self.scheduler.sleep(draws.between(1, 10))
        return None

    def recover(self) -> None:
        """Start the process of the current actor anew after a crash."""
        self.database.reopen()

    def effect_is_there(self, query: str, *values: Any) -> None:
        """What was answered with a 2xx is committed."""
        if not self.oracle.rows(query, *values):
            raise InvariantViolation("what was answered with a 2xx is there", (query, values))

    def effect_is_there_named(self, query: str, values: dict[str, Any]) -> None:
        """The same, with parameters by name."""
        if not self.oracle.rows_named(query, values):
            raise InvariantViolation("what was answered with a 2xx is there", (query, values))


def _sandbox(clock: simulated.SimulatedClock) -> Sandbox:
    return Sandbox(
        webhook_url="http://testserver/api/v1/payments/webhook/",
        webhook_secret=SECRET,
        webhook_api_version=API_VERSION,
        clock=clock,
        ids=Ids(0),
    )


def _settle_settings() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.HOLDS_PER_NEWCOMER, settings.HOLDS_PER_BUYER = MOST_HOLDS
    settings.USERS_PER_ADDRESS, settings.UNPAID_HOLDS_PER_DAY = 2, 3
    settings.WHITENOISE_AUTOREFRESH = True
    settings.SESSION_COOKIE_AGE = 10 * 365 * 86400  # staff stay signed in however long a scenario takes
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    logging.disable()  # what the product logs is in the run log
