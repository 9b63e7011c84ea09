"""Who waits for whose lock, as PostgreSQL tells it, and the backends of those who wait: stopped until it is free."""

import os
import signal
from pathlib import Path

import psycopg

ANSWER_TIMEOUT_S = 20.0
PROCESSES = Path("/proc")


class LockWatch:
    """Asks ``pg_blocking_pids``; only whoever holds the baton may use it."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection
        # Only a server of this machine; with another, two that wait for one lock may wake in any order.
        self._can_stop = _is_server(connection.info.backend_pid)

    def waits(self, pid: int) -> bool:
        row = self._connection.execute(
            "SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid], prepare=True
        ).fetchone()
        return bool(row and row[0])

    def surely_waits(self, pid: int) -> bool:
        """Tell whether a backend waits and sleeps: then it has looked for a deadlock, and found none."""
        return self.waits(pid) and (not self._can_stop or _state(pid) == "S")

    def stop(self, pid: int) -> None:
        """Stop the backend, so that it does nothing at the moment at which its lock becomes free."""
        if self._can_stop:
            os.kill(pid, signal.SIGSTOP)

    def let_on(self, pid: int) -> None:
        if self._can_stop:
            os.kill(pid, signal.SIGCONT)

    def give_up(self, pid: int) -> None:
        """Cancel the statement that waits."""
        self._connection.execute("SELECT pg_cancel_backend(%s)", [pid])
        self.let_on(pid)


def _is_server(pid: int) -> bool:
    name = PROCESSES / str(pid) / "comm"
    return name.exists() and name.read_text().strip() == "postgres"


def _state(pid: int) -> str:
    """Return what a process does: R for running, S for sleeping, T for stopped."""
    return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
