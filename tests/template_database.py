"""A database that is migrated once, and cloned for each process that needs one of its own."""

import hashlib
import inspect
import pathlib
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from estuary.config.environment import BASE_DIR

LOCK = 20300107  # one process makes a template for all
MIGRATED = "estuary_tests"


def ensure_template(name: str = MIGRATED, prepare: Callable[[], None] | None = None) -> None:
    """Make a database with all migrations, unless the one that is there has these very ones.

    Only one is migrated; the others are copies of it, each of which its ``prepare`` changes.
    """
    if prepare:
        ensure_template()
    ours, stamp = settings.DATABASES["default"]["NAME"], _stamp(prepare)
    with psycopg.connect(**database_address(), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        )
        if cursor.fetchone() == (stamp,):
            return
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{MIGRATED}"' if prepare else ""))
        use_database(name)
        if prepare:
            prepare()
        else:
            call_command("migrate", verbosity=0)
        use_database(ours)
        admin.execute(f"COMMENT ON DATABASE \"{name}\" IS '{stamp}'")


def use_database(name: str) -> None:
    """Point Django at another database of the same server."""
    connections.close_all()
    pooled: Any = connection
    pooled.close_pool()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def database_address() -> dict[str, Any]:
    default = settings.DATABASES["default"]
    named = {
        "dbname": default["NAME"],
        "user": default["USER"],
        "password": default["PASSWORD"],
        "port": default["PORT"],
    }
    return {"host": default["HOST"], **{key: value for key, value in named.items() if value}}


def _stamp(prepare: Callable[[], None] | None) -> str:
    """Return what tells one state of the migrations, ours and those of the packages, from another."""
    stamp = hashlib.sha256((BASE_DIR / "uv.lock").read_bytes() + pathlib.Path(__file__).read_bytes())
    stamp.update(inspect.getsource(prepare).encode() if prepare else b"")
    for path in sorted((BASE_DIR / "estuary").glob("*/migrations/*.py")):
        stamp.update(path.read_bytes())
    return stamp.hexdigest()
