"""Accepting: a signed event arrives over HTTP and is committed before the 2xx."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import environments, goals, market
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.events import SECRET, TYPE, Payment, signed
from benchmarks.load import CLIENTS, MANY, LoadResult, play, write_events
from benchmarks.pgbench import pgbench
from benchmarks.testbed import ALONE, BESIDE_A_WORKER, ESTUARY, Testbed, cpu_of
from demo.plan import API_VERSION
from demo.processes import Child
from demo.servers import PYTHON
from estuary.config.environment import BASE_DIR

GROUP, IN_A_FLOOD = "accept", f"accept, {MANY} at once"
WARM_UP_S = 1
WEBHOOK = "/api/v1/payments/webhook/"
# The values for the placeholders of the product's own statement, in its order.
INBOX_ROW = (
    "'evt_' || :number::bigint", f"'{TYPE}'", f"'{API_VERSION}'", "false",
    "replace(:payload, 'pi_of_the_limit', 'pi_' || :number::bigint)::jsonb", "now()", "now()", "now()",
)  # fmt: skip


@dataclass(slots=True)
class InboxLimit:
    """PostgreSQL alone: the product's own INSERT, one row and one commit at a time, as many clients as over HTTP."""

    testbed: Testbed
    group: str = GROUP
    name: str = goals.ACCEPT_LIMIT
    clients: int = CLIENTS

    def prepare(self, seconds: float) -> None:
        self.testbed.empty("inbox", ["payments_webhookevent"])
        self.testbed.settle_down("inbox")
        script = self.testbed.var / "accept.sql"
        script.write_text(f"\\set number random(1, 1000000000000000)\n{insert_statement()};\n")

    def round(self, seconds: float) -> Sample:
        body, _ = next(signed([Payment("evt_of_the_limit", "pi_of_the_limit", "ord_of_the_limit")]))
        sample = pgbench(
            self.testbed.url("inbox"),
            self.testbed.var / "accept.sql",
            clients=self.clients,
            folder=self.testbed.var,
            seconds=seconds,
            variables={"payload": json.dumps(json.loads(body))},
        )
        if (kept := self.testbed.count("inbox", "payments_webhookevent")) != sample.count:
            raise BenchmarkFailed(f"of {sample.count} rows {kept} were kept")
        return sample

    def close(self) -> None:
        """pgbench leaves no process behind."""


def insert_statement() -> str:
    """Return the product's INSERT of an event in pgbench's syntax; raises BenchmarkFailed."""
    from estuary.payments.event_store import insert_statement

    pieces = insert_statement(1).split("%s")
    if len(pieces) != len(INBOX_ROW) + 1:
        raise BenchmarkFailed(
            "The product keeps an event in another way than before: adapt INBOX_ROW in benchmarks/accept.py"
        )
    return "".join(piece + value for piece, value in zip(pieces, (*INBOX_ROW, ""), strict=True)).strip()


@dataclass(slots=True)
class Posted:
    """A web server configured as in production, to which each event is posted once."""

    testbed: Testbed
    name: str
    database: str
    server: Child
    port: int
    path: str
    most_per_s: int  # so many events are prepared for each second
    empties: Sequence[str] = ()  # tables, before each turn
    keeps: str = ""  # the table that must have a row for each 2xx
    fill: Callable[[int], None] | None = None
    group: str = GROUP
    clients: int = CLIENTS

    def prepare(self, seconds: float) -> None:
        if self.empties:
            self.testbed.empty(self.database, self.empties)
        warming, events = int(WARM_UP_S * self.most_per_s), int(seconds * self.most_per_s)
        if self.fill:
            self.fill(warming + events)
        if self.database:
            self.testbed.settle_down(self.database)
        write_events(self._requests, self.path, self.port, range(1, warming + 1))
        play(self._requests, self.port, WARM_UP_S, clients=self.clients)
        write_events(self._requests, self.path, self.port, range(warming + 1, warming + events + 1))

    @property
    def _requests(self) -> Path:
        return self.testbed.var / "requests"

    def round(self, seconds: float) -> Sample:
        had = self.testbed.count(self.database, self.keeps) if self.keeps else 0
        cpu, database_cpu = cpu_of(self.server), self.testbed.database_cpu_s()
        played = play(self._requests, self.port, seconds, clients=self.clients)
        cpu, database_cpu = cpu_of(self.server) - cpu, self.testbed.database_cpu_s() - database_cpu
        self._check_kept(played, had)
        return Sample(
            per_s=played.answers / played.seconds,
            p50_ms=played.p50_ms,
            p99_ms=played.p99_ms,
            cpu_s=cpu,
            database_cpu_s=database_cpu,
            count=played.answers,
        )

    def _check_kept(self, played: LoadResult, before: int) -> None:
        """Check that each 2xx has its row; rows without a response that was read may exist besides."""
        if not self.keeps:
            return
        stored = self.testbed.count(self.database, self.keeps) - before
        if stored < played.answers:
            raise BenchmarkFailed(f"{self.name} answered {played.answers} times and kept {stored}")

    def close(self) -> None:
        """The testbed stops its own processes."""


def contenders(testbed: Testbed) -> list[InboxLimit | Posted]:
    """Start the servers, to which few clients post and then, for all that write, many; raises CannotStart."""
    testbed.make_database("inbox", like="pristine")
    testbed.plan_as_if_large("inbox")
    testbed.make_database("estuary", like="pristine")
    writing: list[InboxLimit | Posted] = [
        InboxLimit(testbed),
        with_djstripe(testbed),
        naive_view(testbed),
        estuary(testbed),
    ]
    one = estuary(testbed, goals.ONE_PROCESS, processes=BESIDE_A_WORKER)
    return [bare_view(testbed), *writing, one, *map(in_a_flood, writing)]


def in_a_flood(contender: InboxLimit | Posted) -> InboxLimit | Posted:
    return replace(contender, clients=MANY, group=IN_A_FLOOD, name=f"{contender.name}, {MANY} at once")


def bare_view(testbed: Testbed) -> Posted:
    env = testbed.environment("postgres")
    server, port = testbed.serve("bare-view", "benchmarks.peers.bare_view:application", env)
    return Posted(testbed, goals.BARE_VIEW, "", server, port, "/webhook/", most_per_s=20_000)


def with_djstripe(testbed: Testbed) -> Posted:
    python = environments.djstripe()
    testbed.make_database("djstripe")
    body, _ = next(signed([Payment.number(1)]))
    payment = json.dumps(json.loads(body)["data"]["object"])
    settings = "benchmarks.peers.with_djstripe.settings"
    env = testbed.environment("djstripe", BENCHMARK_PAYMENT=payment, DJANGO_SETTINGS_MODULE=settings)
    endpoint = str(uuid.uuid5(uuid.NAMESPACE_URL, "benchmark"))
    testbed.run(
        "djstripe-set-up", [python, "-m", "benchmarks.peers.with_djstripe.set_up", endpoint, SECRET], env
    )
    application = "benchmarks.peers.with_djstripe.wsgi:application"
    server, port = testbed.serve("djstripe", application, env, python=python)
    return Posted(
        testbed,
        goals.DJ_STRIPE,
        "djstripe",
        server,
        port,
        f"/stripe/webhook/{endpoint}/",
        most_per_s=1000,
        empties=["djstripe_webhookeventtrigger", "djstripe_event", "djstripe_paymentintent"],
        keeps="djstripe_event",
    )


def naive_view(testbed: Testbed) -> Posted:
    testbed.make_database("naive")
    env = testbed.environment("naive", DJANGO_SETTINGS_MODULE="benchmarks.peers.naive.settings")
    testbed.run(
        "naive-migrate",
        [PYTHON, str(BASE_DIR / "manage.py"), "migrate", "--run-syncdb", "--verbosity", "0"],
        env,
    )
    server, port = testbed.serve("naive", "benchmarks.peers.naive.wsgi:application", env)

    def fill(events: int) -> None:
        with testbed.connect("naive") as connection:
            connection.execute(market.NAIVE_ORDERS, [events])

    return Posted(
        testbed,
        goals.NAIVE,
        "naive",
        server,
        port,
        "/webhook/",
        most_per_s=5000,
        empties=["naive_order", "naive_credittransaction"],
        keeps="naive_credittransaction",
        fill=fill,
    )


def estuary(testbed: Testbed, name: str = goals.ESTUARY, *, processes: int = ALONE) -> Posted:
    env = testbed.environment("estuary")
    server, port = testbed.serve(f"estuary-{processes}", ESTUARY, env, processes=processes)
    return Posted(
        testbed,
        name,
        "estuary",
        server,
        port,
        WEBHOOK,
        most_per_s=20_000,
        empties=["payments_webhookevent"],
        keeps="payments_webhookevent",
    )
