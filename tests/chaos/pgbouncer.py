"""A PgBouncer in transaction mode between our processes and PostgreSQL."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil  # type: ignore[import-untyped]

from demo.plan import HOST, CannotStart

SERVER_CONNECTIONS = 12  # fewer than our processes have of theirs, so that they do share
APT = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "pgbouncer"]
CONFIGURATION = """
[databases]
* = host={host} user={user}

[pgbouncer]
listen_addr = {address}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
query_wait_timeout = 4
"""


class PgBouncer:
    """Its command, and the URL that leads through it; raises CannotStart when there is none and none can be had."""

    def __init__(self, direct_url: str, var: Path, postmaster: psutil.Process) -> None:
        parts = urlsplit(direct_url)
        user, name = unquote(parts.username or ""), parts.path.lstrip("/")
        self._port = _free_port()
        self.url = f"postgresql://{user}@{HOST}:{self._port}/{name}"
        configuration = var / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                host=dict(parse_qsl(parts.query))["host"],
                user=user,
                address=HOST,
                port=self._port,
                connections=SERVER_CONNECTIONS,
            )
        )
        # It refuses to be root; whoever PostgreSQL is may use PostgreSQL's socket.
        runs_as = ["-u", postmaster.username()] if getpass.getuser() == "root" else []
        self.command = [_find(), *runs_as, str(configuration)]

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self._port)) == 0


def _find() -> str:
    """Return where it is; root on Debian or Ubuntu gets the system's when there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    if not shutil.which("pgbouncer", path=path) and os.geteuid() == 0 and shutil.which("apt-get"):
        quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(APT, env=quietly, stdout=sys.stderr, check=False)
    if found := shutil.which("pgbouncer", path=path):
        return found
    raise CannotStart("There is no PgBouncer here: on Debian and Ubuntu `apt install pgbouncer`.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
