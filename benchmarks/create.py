"""Creating payments: their CPU cost, and the rate of webhooks while hundreds wait for a slow Stripe."""

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks import goals
from benchmarks.accept import WEBHOOK
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.load import play, write_events, write_requests
from benchmarks.testbed import BESIDE_A_WORKER, ESTUARY, Testbed, cpu_of
from demo.plan import HOST
from demo.processes import Child
from demo.proxy import WEBHOOK_THREADS
from demo.servers import PYTHON, answers
from estuary.config.environment import BASE_DIR

GROUP, GROUP_BESIDE = "create", "webhooks while Stripe is slow"
CREATE = "/api/v1/payments/create/"
BODY = b'{"is_credit_purchase": true, "amount": "20.00"}'
MOST_PER_S, BARE_MOST_PER_S, CLIENTS = 500, 2000, 4
WARM_UP_S = 2.0
IN_FLIGHT, STRIPE_TAKES_S = 200, 4.0
EVENTS_PER_S = 12_000
LOOK_S = 0.2
IDLE_FOR_S, IDLE_WITHIN_S = STRIPE_TAKES_S + 1, 180.0  # who waits for Stripe needs no CPU
IDLE_CPU_S = 0.02
SETTLED_S = 0.6  # with a Stripe that answers at once
EMPTIED = ("accounts_user", "django_session", "payments_webhookevent", "payments_attempts")
# A buyer who waits for Stripe has a committed order without an intent.
WAITING = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = 'create' AND pid <> pg_backend_pid()),
      (SELECT count(*) FROM orders_order
       WHERE stripe_payment_intent_id = '' AND created_at > clock_timestamp() - %s * interval '1 second')"""


@dataclass(slots=True)
class Node:
    """A web server and its Stripe sandbox."""

    testbed: Testbed
    server: Child
    port: int

    def people(self, how_many: int) -> list[str]:
        """Replace all users by new buyers; return their tokens, which are valid for five minutes."""
        self.wait_until_idle(SETTLED_S)
        self.testbed.empty("create", EMPTIED)
        file = self.testbed.var / "tokens"
        env = self.testbed.environment("create", DJANGO_SETTINGS_MODULE="estuary.config.settings")
        self.testbed.run("people", [PYTHON, "-m", "benchmarks.people", str(how_many), str(file)], env)
        self.testbed.settle_down("create")
        return file.read_text().splitlines()

    def wait_until_idle(self, idle_for_s: float) -> None:
        """Wait until the server used no CPU for ``idle_for_s``; raises BenchmarkFailed."""
        deadline, idle_since = time.monotonic() + IDLE_WITHIN_S, time.monotonic()
        spent = cpu_of(self.server)
        while time.monotonic() - idle_since < idle_for_s:
            if time.monotonic() > deadline:
                raise BenchmarkFailed(
                    f"the web server still works {IDLE_WITHIN_S:.0f} s after its last client left"
                )
            time.sleep(LOOK_S)
            if (now := cpu_of(self.server)) > spent + IDLE_CPU_S:
                spent, idle_since = now, time.monotonic()

    def stripe(self, verb: str, **arguments: object) -> None:
        """Call a control of the sandbox; raises httpx.HTTPError."""
        url = f"{self.testbed.plan.sandbox_url}/_sandbox/{verb}"
        httpx.post(url, json=arguments, timeout=30, trust_env=False).raise_for_status()

    def write_creates(self, target: Path, tokens: list[str]) -> None:
        write_requests(target, CREATE, self.port, ((BODY, headers_of(token)) for token in tokens))


def headers_of(token: str) -> Mapping[str, str]:
    """Return the headers that the storefront sends."""
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}


@dataclass(slots=True)
class Created:
    """New buyers create a credit purchase, one each: Stripe creates a customer and an intent."""

    node: Node
    group: str = GROUP
    name: str = goals.CREATED

    def prepare(self, seconds: float) -> None:
        self.node.stripe("reset")
        tokens = self.node.people(int((WARM_UP_S + seconds) * MOST_PER_S))
        warming = int(WARM_UP_S * MOST_PER_S)
        requests = self.node.testbed.var / "requests"
        self.node.write_creates(requests, tokens[:warming])
        play(requests, self.node.port, WARM_UP_S, clients=CLIENTS, strict=False)
        self.node.write_creates(requests, tokens[warming:])

    def round(self, seconds: float) -> Sample:
        sample = measure(self.node, seconds)
        created = self.node.testbed.count("create", "orders_order WHERE stripe_payment_intent_id <> ''")
        if created < sample.count:
            raise BenchmarkFailed(f"{sample.count} payments were started, and {created} created at Stripe")
        return sample

    def close(self) -> None:
        """The testbed stops its own processes."""


@dataclass(slots=True)
class BareCreate:
    """One row and the same two calls to Stripe, without sign-in and checks."""

    node: Node
    group: str = GROUP
    name: str = goals.BARE_CREATE

    def prepare(self, seconds: float) -> None:
        self.node.stripe("reset")
        self.node.testbed.empty("bare-create", ["bare_create_payment"])
        self.node.testbed.settle_down("bare-create")
        posts: list[tuple[bytes, Mapping[str, str]]] = [(BODY, {})] * int(
            max(seconds, WARM_UP_S) * BARE_MOST_PER_S
        )
        requests = self.node.testbed.var / "requests"
        write_requests(requests, "/create/", self.node.port, posts)
        play(requests, self.node.port, WARM_UP_S, clients=CLIENTS, strict=False)

    def round(self, seconds: float) -> Sample:
        return measure(self.node, seconds)

    def close(self) -> None:
        """The testbed stops its own processes."""


def measure(node: Node, seconds: float) -> Sample:
    cpu, database_cpu = cpu_of(node.server), node.testbed.database_cpu_s()
    played = play(node.testbed.var / "requests", node.port, seconds, clients=CLIENTS)
    return Sample(
        per_s=played.answers / played.seconds,
        p50_ms=played.p50_ms,
        p99_ms=played.p99_ms,
        cpu_s=cpu_of(node.server) - cpu,
        database_cpu_s=node.testbed.database_cpu_s() - database_cpu,
        count=played.answers,
    )


@dataclass(slots=True)
class Webhooks:
    """Events come to a process of their own, alone or while so many buyers wait for a Stripe that takes four seconds.

    The buyers are at ``node``. So the proxy of compose.yaml leads them: one process each, and few threads for events.
    """

    node: Node
    events: Node
    name: str
    in_flight: int = 0
    group: str = GROUP_BESIDE

    def prepare(self, seconds: float) -> None:
        var = self.node.testbed.var
        # Enough for each client to start again as soon as it has its response.
        tokens = self.node.people(int(self.in_flight * (seconds / STRIPE_TAKES_S + 4)))
        self.node.write_creates(var / "creates", tokens)
        numbers = range(1, int(EVENTS_PER_S * seconds) + 1)
        write_events(var / "requests", WEBHOOK, self.events.port, numbers)

    def round(self, seconds: float) -> Sample:
        var = self.node.testbed.var
        with slow_creates(self.node, seconds, self.in_flight), watch_database(self.node.testbed) as seen:
            cpu = cpu_of(self.events.server)
            played = play(var / "requests", self.events.port, seconds, strict=False)
            cpu = cpu_of(self.events.server) - cpu
        if played.refused:
            raise BenchmarkFailed(f"{played.refused} of {played.answers} events were refused")
        return Sample(
            per_s=played.answers / played.seconds,
            p50_ms=played.p50_ms,
            p99_ms=played.p99_ms,
            cpu_s=cpu,
            count=played.answers,
            connections=max(seen.connections, default=0),
            in_flight=max(seen.waiting, default=0),
        )

    def close(self) -> None:
        """The testbed stops its own processes."""


@contextmanager
def slow_creates(node: Node, seconds: float, in_flight: int) -> Iterator[None]:
    """Keep ``in_flight`` payments open at a slow Stripe.

    The product's time limit is little longer than Stripe's delay, so requests that queued before get a 503. That is the
    expected behaviour.
    """
    if not in_flight:
        yield
        return
    node.stripe("reset")
    node.stripe("faults", kind="slow", match="POST /v1/payment_intents", times=None, seconds=STRIPE_TAKES_S)
    lasting = seconds + STRIPE_TAKES_S + 2

    def begin_payments() -> None:
        creates = node.testbed.var / "creates"
        play(creates, node.port, lasting, clients=in_flight, strict=False)

    flood = threading.Thread(target=begin_payments, name="creates")
    flood.start()
    try:
        time.sleep(STRIPE_TAKES_S / 2)  # by then all of them wait
        yield
    finally:
        flood.join()
        node.stripe("reset")
        node.wait_until_idle(IDLE_FOR_S)


@dataclass(slots=True)
class WaitingSamples:
    connections: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


@contextmanager
def watch_database(testbed: Testbed) -> Iterator[WaitingSamples]:
    """Sample how many database connections are open and how many payments wait for Stripe."""
    seen, over = WaitingSamples(), threading.Event()

    def look() -> None:
        with testbed.connect("create") as connection:
            while not over.wait(LOOK_S):
                if row := connection.execute(WAITING, [STRIPE_TAKES_S]).fetchone():
                    seen.connections.append(int(str(row[0])))
                    seen.waiting.append(int(str(row[1])))

    watcher = threading.Thread(target=look, name="watcher")
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def contenders(testbed: Testbed) -> list[BareCreate | Created]:
    """Start Stripe's sandbox and two web servers; raises CannotStart."""
    start_stripe(testbed)
    testbed.make_database("bare-create")
    env = testbed.environment("bare-create", DJANGO_SETTINGS_MODULE="benchmarks.peers.bare_create.settings")
    migrate = [PYTHON, str(BASE_DIR / "manage.py"), "migrate", "--run-syncdb", "--verbosity", "0"]
    testbed.run("bare-create-migrate", migrate, env)
    bare, port = testbed.serve("bare-create", "benchmarks.peers.bare_create.wsgi:application", env)
    return [BareCreate(Node(testbed, bare, port)), Created(estuary(testbed))]


def beside(testbed: Testbed) -> list[Webhooks]:
    """Start Stripe's sandbox and the two web servers of compose.yaml, for buyers and for events; raises CannotStart."""
    start_stripe(testbed)
    make_database(testbed)
    env = testbed.environment("create")
    node = Node(testbed, *testbed.serve("beside-web", ESTUARY, env, processes=BESIDE_A_WORKER))
    served = testbed.serve("beside-webhook", ESTUARY, env, processes=1, threads=WEBHOOK_THREADS)
    events = Node(testbed, *served)
    return [Webhooks(node, events, goals.ALONE), Webhooks(node, events, goals.BESIDE, in_flight=IN_FLIGHT)]


def estuary(testbed: Testbed) -> Node:
    """Return the node of this run; start it on the first call."""
    if "create" not in testbed.nodes:
        make_database(testbed)
        testbed.nodes["create"] = testbed.serve("create", ESTUARY, testbed.environment("create"))
    return Node(testbed, *testbed.nodes["create"])


def make_database(testbed: Testbed) -> None:
    """Create the database of both measurements unless it exists."""
    if not testbed.has_database("create"):
        testbed.make_database("create", like="pristine")


def start_stripe(testbed: Testbed) -> None:
    """Start the sandbox unless it runs; it delivers no events, which would be extra work."""
    url = f"{testbed.plan.sandbox_url}/_sandbox/"
    if answers(url):
        return
    command = [PYTHON, "-m", "stripe_sandbox", "--host", HOST, "--port", str(testbed.plan.sandbox_port)]
    testbed.processes.start("stripe", command, testbed.environment("postgres"))
    testbed.processes.wait_for(lambda: answers(url), "The Stripe sandbox")
