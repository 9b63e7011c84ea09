"""Time-outs that PostgreSQL applies to web requests: for a lock, a statement, and idling.

A role's own limits (``ALTER ROLE … IN DATABASE … SET``) come first. They are the only way through a PgBouncer. The
worker and migrations have no limits. See docs/decisions/0025-lock-timeouts-and-connection-admission.md.
"""

from typing import Any

import psycopg
from django.conf import settings

WEB_LIMITS = {
    "lock_timeout": "1s",
    "statement_timeout": "4s",
    "idle_in_transaction_session_timeout": "10s",
}
# A limit that the role has is kept; 0 means no limit.
SET_UNLESS_SET = "SELECT set_config(%s, %s, false) WHERE current_setting(%s) = '0'"

_limits: dict[str, str] = {}


def limit_this_process() -> None:
    """Apply WEB_LIMITS to all connections that this process opens from now on."""
    _limits.update(WEB_LIMITS)


def set_limits(connection: psycopg.Connection[Any]) -> None:
    """Set the limits of a new connection, unless it leads to a PgBouncer."""
    if settings.BEHIND_PGBOUNCER:
        return
    for name, value in _limits.items():
        connection.execute(SET_UNLESS_SET, [name, value, name])


def is_timeout(error: BaseException | None) -> bool:
    """Return whether an error, Django's or psycopg's, means that one of the limits was reached."""
    met = (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.IdleInTransactionSessionTimeout,
    )
    return isinstance(error, met) or isinstance(getattr(error, "__cause__", None), met)
