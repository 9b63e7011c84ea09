"""The testbed of all contenders: one PostgreSQL with a database for each, and equal web servers."""

import fcntl
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg

from demo.plan import CannotStart, Plan, plan_for_smoke
from demo.ports import free_port, listens
from demo.postgres import Postgres
from demo.processes import Child, ProcessGroup, end_leftovers
from demo.servers import BLOCKING_THREADS, PYTHON, web_command
from estuary.config.environment import BASE_DIR

BENCH_VAR = BASE_DIR / ".var" / "bench"
ENVIRONMENTS = BASE_DIR / ".cache" / "bench"
ESTUARY = "estuary.config.wsgi:application"
# Of a web server on two cores, a core for each: docs/decisions/0023
ALONE, BESIDE_A_WORKER = 2, 1
AS_IF_LARGE = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


class Testbed:
    """Starts empty; ``close`` stops everything."""

    def __init__(self, var: Path = BENCH_VAR / "run") -> None:
        self._lock = _exclusive(var.parent)
        # A killed run may have left processes behind.
        end_leftovers(var)
        shutil.rmtree(var, ignore_errors=True)
        self.plan: Plan = plan_for_smoke(var)
        self.plan.logs.mkdir(parents=True)
        self.var = var
        self.processes = ProcessGroup(self.plan.logs)
        self._postgres = Postgres(var, self.plan.logs)
        self.nodes: dict[str, tuple[Child, int]] = {}  # web servers that several measurements share
        self._url = ""

    def open(self, **settings: str) -> None:
        """Start PostgreSQL with commit timestamps; raises CannotStart."""
        self._url = self._postgres.start(self.plan.environment(""))
        with psycopg.connect(self._url, autocommit=True) as database:
            for name, value in {"track_commit_timestamp": "on", **settings}.items():
                database.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._postgres.stop()
        self._url = self._postgres.start(self.plan.environment(""))

    def close(self) -> None:
        self.processes.stop()
        self._postgres.stop()
        end_leftovers(self.plan.var)
        self._lock.close()

    # --- Databases ----------------------------------------------------------------------------------------------

    def url(self, database: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    def make_database(self, name: str, *, like: str = "template1") -> None:
        with psycopg.connect(self._url, autocommit=True) as database:
            database.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')

    def has_database(self, name: str) -> bool:
        with psycopg.connect(self._url) as database:
            return bool(database.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount)

    def plan_as_if_large(self, database: str) -> None:
        """Let the planner avoid sequential scans, as on tables of millions of rows: these tables start empty."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            for setting in AS_IF_LARGE:
                connection.execute(f'ALTER DATABASE "{database}" SET {setting} = off')

    def connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(database), autocommit=True)

    def settle_down(self, database: str) -> None:
        """Vacuum and checkpoint, so that a measurement does not pay for earlier writes."""
        with self.connect(database) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def empty(self, database: str, tables: Sequence[str]) -> None:
        with self.connect(database) as connection:
            connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")

    def count(self, database: str, table: str) -> int:
        with self.connect(database) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(str(row[0])) if row else 0

    @property
    def version(self) -> str:
        with psycopg.connect(self._url) as database:
            row = database.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""

    def database_cpu_s(self) -> float:
        """Seconds of CPU that PostgreSQL has used so far, including ended backends."""
        return cpu_s(self._postgres.postmaster)

    # --- Processes ----------------------------------------------------------------------------------------------

    def environment(self, database: str, **more: str) -> dict[str, str]:
        return self.plan.environment(self.url(database)) | more

    def run(self, name: str, command: Sequence[str], env: dict[str, str]) -> str:
        """Run a process until it ends and return its output; raises CannotStart when it fails."""
        log = self.plan.logs / f"{name}.log"
        before = log.stat().st_size if log.exists() else 0
        self.processes.run(name, list(command), env)
        return log.read_bytes()[before:].decode(errors="replace")

    def manage(self, database: str, *command: str) -> None:
        self.run(command[0], [PYTHON, "manage.py", *command], self.environment(database))

    def serve(
        self,
        name: str,
        application: str,
        env: dict[str, str],
        *,
        python: str = PYTHON,
        processes: int = ALONE,
        threads: int = BLOCKING_THREADS,
    ) -> tuple[Child, int]:
        """Start a web server, configured as in production, for a WSGI application; return it and its port."""
        port = free_port()
        _, *shape, _ = web_command(replace(self.plan, web_port=port), processes, threads)
        command = [str(Path(python).parent / "granian"), *shape, application]
        child = self.processes.start(name, command, env)
        self.processes.wait_for(lambda: listens(port), f"The web server of {name}")
        return child, port


def _exclusive(folder: Path) -> IO[str]:
    """Lock the folder against a second run while the file is open; raises CannotStart."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CannotStart(
            "Another benchmark runs in this folder: two at once would measure each other."
        ) from None
    return lock


def cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU of a process and its child processes, running or ended."""
    spent = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            # An ended process counts in its parent's times.
            continue
        spent += times.user + times.system
        if sys.platform == "linux":
            spent += times.children_user + times.children_system
    return spent


def cpu_of(child: Child) -> float:
    return cpu_s(psutil.Process(child.process.pid))
