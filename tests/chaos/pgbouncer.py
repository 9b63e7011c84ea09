"""A PgBouncer in transaction mode between our processes and PostgreSQL."""

import getpass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil  # type: ignore[import-untyped]

from demo.plan import HOST
from demo.ports import free_port, listens
from demo.system import find

SERVER_CONNECTIONS = 12  # fewer than our processes have of theirs, so that they do share
REPLICA = "replica"  # the name under which its database is asked for
CONFIGURATION = """
[databases]
{replica}
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
server_login_retry = 1
"""


class PgBouncer:
    """Its command, and the URL that leads through it; raises CannotStart when there is none and none can be had."""

    def __init__(
        self, direct_url: str, var: Path, postmaster: psutil.Process, *, replica_url: str = ""
    ) -> None:
        parts = urlsplit(direct_url)
        user, name = unquote(parts.username or ""), parts.path.lstrip("/")
        self._port = free_port()
        self.url = f"postgresql://{user}@{HOST}:{self._port}/{name}"
        self.replica_url = f"postgresql://{user}@{HOST}:{self._port}/{REPLICA}"
        behind = f"{REPLICA} = host={_host(replica_url)} user={user} dbname={name}" if replica_url else ""
        configuration = var / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                host=_host(direct_url),
                replica=behind,
                user=user,
                address=HOST,
                port=self._port,
                connections=SERVER_CONNECTIONS,
            )
        )
        # It refuses to be root; whoever PostgreSQL is may use PostgreSQL's socket.
        runs_as = ["-u", postmaster.username()] if getpass.getuser() == "root" else []
        self.command = [find("pgbouncer", "There is no PgBouncer here."), *runs_as, str(configuration)]

    def answers(self) -> bool:
        return listens(self._port)


def _host(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["host"]
