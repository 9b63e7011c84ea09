"""A PostgreSQL of its own, out of the same wheel as the embedded one: with roles that nobody else meets."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from tests.standby import BIN, SECONDS, SOCKET

SUPERUSER = "postgres"


class Cluster:
    """One server whose data lies in ``data``, a folder that whoever PostgreSQL is can get to."""

    def __init__(self, neighbour_url: str, data: Path) -> None:
        self._data = data
        beside = dict(parse_qsl(urlsplit(neighbour_url).query))["host"]
        # PostgreSQL refuses to be root, so its neighbour is somebody else then.
        self._runs_as = Path(beside, SOCKET).owner() if getpass.getuser() == "root" else None

    def url(self, role: str, name: str = "estuary") -> str:
        return f"postgresql://{role}@/{name}?host={quote(str(self._data), safe='')}"

    def start(self) -> None:
        self._data.mkdir(mode=0o700)
        if self._runs_as:
            shutil.chown(self._data, self._runs_as)
        self._run("initdb", "--username", SUPERUSER, "--auth", "trust", "--no-sync", "-D", str(self._data))
        options = f'-h "" -k {self._data} -c fsync=off'
        self._run(
            "pg_ctl", "start", "--wait", "-D", str(self._data), "-l", f"{self._data}/log", "-o", options
        )

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "-D", str(self._data), "-m", "immediate")

    def psql(self, name: str, *options: str, **variables: str) -> None:
        """Run psql as the superuser, with variables in its environment; raises CalledProcessError."""
        command = [str(BIN / "psql"), "-X", "-q", "-d", self.url(SUPERUSER, name), *options]
        subprocess.run(command, check=True, env=os.environ | variables, timeout=SECONDS)

    def _run(self, program: str, *arguments: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.run(
            [str(BIN / program), *arguments],
            check=True,
            user=self._runs_as,
            cwd="/",
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            timeout=SECONDS,
        )

    def remove(self) -> None:
        shutil.rmtree(self._data)
