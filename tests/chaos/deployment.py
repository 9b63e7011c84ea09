"""The processes of a run. Stripe alone is never killed; everything of ours is, and is started again."""

import contextlib
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

import psutil  # type: ignore[import-untyped]
import psycopg

from demo.plan import CannotStart, Plan
from demo.ports import free_ports, listens
from demo.postgres import Postgres
from demo.processes import Child, ProcessGroup, end_leftovers
from demo.proxy import proxy_command, proxy_environment, webhook_command
from demo.servers import (
    PYTHON,
    WORKER_COMMAND,
    answers,
    ready_url,
    sandbox_command,
    says_ready,
    web_command,
)
from tests.chaos.balancer import Balancer
from tests.chaos.pgbouncer import PgBouncer
from tests.standby import Standby

SERVERS = 2  # of either kind, unless there are nodes
PROCESSES = 2  # of each web server, unless there are nodes
HOLD_S = 60  # the shortest there is, so that some holds end while people still try to pay
BANK_ANSWERS_AFTER_S = 15
DELIVERIES_AT_ONCE = 4
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
LOOK_S = 0.1
STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What runs besides. ``nodes``: web servers with a port each behind a balancer, and as many workers.

    ``proxy``: the one of compose.yaml before all of them, and a web server for Stripe's events alone.
    """

    bouncer: bool = False
    proxy: bool = False
    replica: bool = False
    nodes: int = 0


class Deployment:
    """What runs, by name: ``web 1``, ``worker 2``; and PostgreSQL and Stripe."""

    def __init__(self, plan: Plan, shape: Shape) -> None:
        self.plan, self._shape = plan, shape
        self.killed: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self.ended_alone: list[str] = []
        self.env: dict[str, str] = {}  # straight to PostgreSQL
        self._servers_env: dict[str, str] = {}
        self.replica: Standby | None = None
        self._postgres = Postgres(plan.var, plan.logs)
        self._processes = ProcessGroup(plan.logs)
        inner_port, self._webhook_port, self._health_port = free_ports(3)
        self._inner_port = inner_port if shape.proxy else plan.web_port
        self.ports = free_ports(shape.nodes) or [self._inner_port] * SERVERS
        self.balancer = Balancer(self._inner_port, self.ports)
        numbered, processes = list(enumerate(self.ports, 1)), 1 if shape.nodes else PROCESSES
        webs = {
            f"web {number}": web_command(replace(plan, web_port=port), processes) for number, port in numbered
        }
        if shape.proxy:
            webs |= {"proxy": proxy_command(), "webhook": webhook_command(plan, self._webhook_port)}
        self._commands = webs | {f"worker {number}": WORKER_COMMAND for number, _ in numbered}
        self._up: dict[str, Child] = {}
        self._down_until: dict[str, float] = {}
        self._changing = threading.Lock()
        self._closing = threading.Event()

    # --- Up and down --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start PostgreSQL and Stripe, and migrate; raises CannotStart."""
        self.plan.logs.mkdir(parents=True)
        url = self._postgres.start(self.plan.environment(""))
        _check_durable(url)
        self.env = self.plan.environment(url) | {"ESTUARY_HOLD_S": str(HOLD_S)} | self._of_the_proxy()
        self._servers_env = self.env
        manner = (
            "--settle-after",
            str(BANK_ANSWERS_AFTER_S),
            "--deliveries-at-once",
            str(DELIVERIES_AT_ONCE),
        )
        self._processes.start("stripe", sandbox_command(self.plan, *manner), self.env)
        self._processes.wait_for(lambda: answers(f"{self.plan.sandbox_url}/_sandbox/"), "The Stripe sandbox")
        self._processes.run("migrate", [PYTHON, "manage.py", "migrate", "--verbosity", "0"], self.env)

    def begin(self) -> None:
        """Start web servers and workers, and from now on start again whichever is dead; raises CannotStart."""
        if self._shape.replica:
            self._open_replica()
        if self._shape.bouncer:
            self._open_bouncer()
        if self._shape.nodes:
            self.balancer.start()
        for name in self._commands.keys() - self._up.keys():
            self._start(name)
        self._processes.wait_for(lambda: all(map(listens, self.ports)), "Each web server")
        self._processes.wait_for(lambda: answers(ready_url(self.plan)), "The web servers")
        ready = [name for name in self._commands if name.startswith("worker")]
        self._processes.wait_for(lambda: all(says_ready(self._up[name]) for name in ready), "The workers")
        threading.Thread(target=self._keep, name="supervisor", daemon=True).start()

    def _of_the_proxy(self) -> dict[str, str]:
        if not self._shape.proxy:
            return {}
        ports = {"web_port": self._inner_port, "webhook_port": self._webhook_port}
        own = proxy_environment(
            self.plan.var / "proxy", port=self.plan.web_port, health_port=self._health_port, **ports
        )
        return own | {"ESTUARY_TRUSTED_PROXIES": "1"}

    def _open_replica(self) -> None:
        """Put a streaming replica beside PostgreSQL, for web servers."""
        self.replica = Standby(self.env["DATABASE_URL"], self.plan.var / "replica")
        self.replica.start()
        self._servers_env = self.env | {"DATABASE_REPLICA_URL": self.replica.url}

    def _open_bouncer(self) -> None:
        """Put a PgBouncer before PostgreSQL and its replica, for web servers and workers; raises CannotStart."""
        direct, replica = self.env["DATABASE_URL"], self._servers_env.get("DATABASE_REPLICA_URL", "")
        bouncer = PgBouncer(direct, self.plan.var, self._postgres.postmaster, replica_url=replica)
        self._servers_env = self.env | {"DATABASE_URL": bouncer.url, "DATABASE_DIRECT_URL": direct}
        if replica:
            self._servers_env["DATABASE_REPLICA_URL"] = bouncer.replica_url
        self._commands = {"PgBouncer": bouncer.command} | self._commands
        self._start("PgBouncer")
        self._processes.wait_for(bouncer.answers, "PgBouncer")

    def close(self) -> None:
        self._closing.set()
        with self._changing:
            self._processes.stop()
            if self.replica:
                with contextlib.suppress(subprocess.CalledProcessError):  # it may be down already
                    self.replica.stop()
            self._postgres.stop()
            end_leftovers(self.plan.var)

    def _keep(self) -> None:
        while not self._closing.wait(LOOK_S):
            with self._changing:
                for name in self._commands:
                    self._look_after(name)

    def _look_after(self, name: str) -> None:
        child, now = self._up.get(name), time.monotonic()
        if self._closing.is_set():
            return
        if child and (code := child.process.poll()) is not None:
            self.ended_alone.append(f"{name} ended by itself with code {code}, see {child.log}")
            self._processes.kill(self._up.pop(name))  # and whatever it has left behind
        elif not child and now >= self._down_until.get(name, 0):
            self._start(name)

    def _start(self, name: str) -> None:
        log = name.replace(" ", "-")
        self._up[name] = self._processes.start(log, self._commands[name], self._servers_env)
        self.started[name.partition(" ")[0]] += 1

    # --- Killing ------------------------------------------------------------------------------------------------

    @property
    def victims(self) -> list[str]:
        return [*self._commands, "PostgreSQL", "backend", *(["replica"] if self.replica else [])]

    def kill(self, name: str, *, down_s: float) -> None:
        """Kill one of ours with all that it started; it stays down for so long. One that is down already is let be."""
        match name:
            case "PostgreSQL":
                self._crash_postgres(down_s)
            case "backend":
                self._kill_a_backend()
            case "replica":
                self._crash_replica(down_s)
            case _:
                self._kill_a_server(name, down_s)

    def _kill_a_server(self, name: str, down_s: float) -> None:
        with self._changing:
            if child := self._up.pop(name, None):
                self._processes.kill(child)
                self._down_until[name] = time.monotonic() + down_s
                self.killed[name.partition(" ")[0]] += 1

    def _kill_a_backend(self) -> None:
        """Kill what serves one connection, as when memory is short: the server ends all others and recovers."""
        with contextlib.suppress(psutil.NoSuchProcess):
            serving = [one for one in self._postgres.backends if "[local]" in " ".join(one.cmdline())]
            if serving:
                serving[0].kill()
                self.killed["backend"] += 1

    def _crash_postgres(self, down_s: float) -> None:
        self._postgres.crash()
        self.killed["PostgreSQL"] += 1
        time.sleep(down_s)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                self._postgres.start(self.env)
            except CannotStart:
                self._postgres.stop()
                if time.monotonic() > deadline:
                    raise
            else:
                self.started["PostgreSQL"] += 1
                return

    def _crash_replica(self, down_s: float) -> None:
        assert self.replica
        self.replica.crash()
        self.killed["replica"] += 1
        time.sleep(down_s)
        self.replica.start()
        self.started["replica"] += 1


def _check_durable(url: str) -> None:
    """Make sure that what is committed outlives a crash; raises CannotStart."""
    with psycopg.connect(url) as database:
        for setting in DURABLE:
            row = database.execute("SELECT current_setting(%s)", [setting]).fetchone()
            if row != ("on",):
                raise CannotStart(f"PostgreSQL's {setting} is {row}: what is committed might be lost.")
