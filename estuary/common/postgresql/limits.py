"""How long PostgreSQL lets a web request wait: for a lock, for a statement, and within a transaction that stands still.

A role may have limits of its own (``ALTER ROLE … IN DATABASE … SET``), which count first and which are the only way
through a PgBouncer. Worker and migrations have none. See docs/decisions/0025-lock-timeouts-and-connection-admission.md.
"""

from typing import Any

import psycopg
from django.conf import settings

WEB_LIMITS = {
    "lock_timeout": "1s",
    "statement_timeout": "4s",
    "idle_in_transaction_session_timeout": "10s",
}
# What a role says about itself is left as it is; no limit at all is 0.
SET_UNLESS_SET = "SELECT set_config(%s, %s, false) WHERE current_setting(%s) = '0'"

_limits: dict[str, str] = {}


def limit_this_process() -> None:
    """Give all connections that this process opens from now on the limits of a web server."""
    _limits.update(WEB_LIMITS)


def set_limits(connection: psycopg.Connection[Any]) -> None:
    """Set a new connection's limits, in a web server that is connected to PostgreSQL itself."""
    if settings.BEHIND_PGBOUNCER:
        return
    for name, value in _limits.items():
        connection.execute(SET_UNLESS_SET, [name, value, name])


def is_timeout(error: BaseException | None) -> bool:
    """Tell whether an error, Django's or psycopg's own, says that one of the limits was met."""
    met = (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.IdleInTransactionSessionTimeout,
    )
    return isinstance(error, met) or isinstance(getattr(error, "__cause__", None), met)
