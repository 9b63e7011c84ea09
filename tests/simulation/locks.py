"""Who waits for whose lock, asked of PostgreSQL on a connection of its own."""

import time

import psycopg

POLL_S = 0.0005
GIVEN_UP_S = 20.0


class LockWatch:
    """Asks ``pg_blocking_pids``; only whoever holds the baton may use it."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection

    def blockers(self, pids: set[int]) -> dict[int, set[int]]:
        """Return for each backend the backends that it waits for."""
        rows = self._connection.execute(
            "SELECT pid, pg_blocking_pids(pid) FROM unnest(%s::int[]) AS pid", [sorted(pids)], prepare=True
        ).fetchall()
        return {int(str(pid)): set(by) for pid, by in rows}  # type: ignore[call-overload]

    def waits(self, pid: int) -> bool:
        return bool(self.blockers({pid})[pid])

    def all_stuck(self, pids: set[int]) -> bool:
        """Tell whether each waits, in the end, for a backend outside; else give them a moment.

        Those who wait only for each other are a deadlock, which PostgreSQL breaks by itself.
        """
        waits_for = self.blockers(pids)
        stuck: set[int] = set()
        grown = True
        while grown:
            more = {pid for pid, by in waits_for.items() if by - (pids - stuck)} - stuck
            stuck, grown = stuck | more, bool(more)
        if stuck == pids:
            return True
        time.sleep(POLL_S)
        return False
