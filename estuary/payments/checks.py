"""Checks of ``manage.py check --deploy --database default``: settings that work but are unsafe or incomplete.

What a newcomer most likely lacks is reported by every command, not only with ``--deploy``.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DEFAULT_DB_ALIAS, connection

from estuary.common.stripe_keys import is_shorter_than_issued


@register(Tags.security, deploy=True)
def check_trusted_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn when the number of proxies is unknown: client addresses, and limits by address, are then unreliable."""
    return _warn_if(
        not settings.SANDBOX and settings.TRUSTED_PROXIES is None,
        "ESTUARY_TRUSTED_PROXIES is not set: card testing is not limited by address.",
        "Set it to 1 behind one proxy that sets X-Forwarded-For, and to 0 when buyers reach this server directly.",
        code="estuary.W001",
    )


@register()
def check_mail_server(**kwargs: Any) -> list[CheckMessage]:
    """Warn when there is no mail server: nobody gets links to reset a password, or mails about refunds."""
    return _warn_if(
        not settings.MAIL_SERVER_NAMED,
        "EMAIL_URL is not set: mails are tried at port 25 of this machine, and wait there for three days at most.",
        "Set EMAIL_URL to smtp://user:password@host:587/?tls=1, to smtp://localhost:25/ where this machine sends its "
        "own mail or, with test keys, to console:, which writes mails into the worker's log. Until then they wait.",
        code="estuary.W003",
    )


@register()
def check_publishable_key(**kwargs: Any) -> list[CheckMessage]:
    """Warn when the publishable key is missing: the storefront can't show a card field."""
    return _warn_if(
        not settings.STRIPE_PUBLISHABLE_KEY,
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is not set: nobody can enter a card.",
        "Set it to the key pk_test_… or pk_live_… of the same account, and start the web server again.",
        code="estuary.W004",
    )


@register()
def check_key_length(**kwargs: Any) -> list[CheckMessage]:
    """Warn when a key is shorter than any of Stripe's, as it may have been cut."""
    keys = {
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": settings.STRIPE_PUBLISHABLE_KEY,
    }
    return [
        warning
        for name, key in keys.items()
        for warning in _warn_if(
            not settings.SANDBOX and bool(key) and is_shorter_than_issued(key),
            f"{name} is shorter than any key that Stripe has issued.",
            "Copy it once more from the Stripe dashboard, whole.",
            code="estuary.W005",
        )
    ]


@register()
def check_stripe_address(**kwargs: Any) -> list[CheckMessage]:
    """Warn when another address than Stripe's gets the key and is believed about money."""
    return _warn_if(
        not settings.SANDBOX and bool(settings.STRIPE_API_BASE),
        "STRIPE_API_BASE is set: the secret key goes there, and what is said there about money is believed.",
        "Unset it, unless a sandbox or a recorder is to stand in Stripe's place.",
        code="estuary.W006",
    )


@register(Tags.database)
def check_pooler(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when an undeclared pooler gives each transaction another server, without prepared statements."""
    return _warn_if(
        _is_checked(databases) and not settings.BEHIND_PGBOUNCER and _is_behind_pooler(),
        "DATABASE_URL leads to a pooler, not to PostgreSQL.",
        "Set DATABASE_DIRECT_URL to PostgreSQL itself, and DATABASE_URL to the pooler. In session mode, which gives "
        "each client a server of its own, this can stay as it is.",
        code="estuary.W002",
    )


@register(Tags.database, deploy=True)
def check_ledger_owner(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when our role owns the ledger, and could drop its trigger, or is a superuser."""
    return _warn_if(
        _is_checked(databases) and not settings.SANDBOX and _query_is_true(OWNS_LEDGER),
        "The role of DATABASE_URL owns the tables or is a superuser: it could rewrite the ledger.",
        "Let the owner migrate alone; web server and worker have roles in deploy/postgres/roles.sql.",
        code="estuary.W008",
    )


@register(Tags.database, deploy=True)
def check_lock_timeout(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when, behind a pooler, the role has no lock_timeout: settings of a connection don't pass a pooler."""
    is_pooled = _is_checked(databases) and not settings.SANDBOX and settings.BEHIND_PGBOUNCER
    return _warn_if(
        is_pooled and _query_is_true(NO_LOCK_TIMEOUT),
        "The role of DATABASE_URL has no lock_timeout: one locked row can keep all buyers waiting.",
        "For the web server's role: the three ALTER ROLE … SET of deploy/postgres/roles.sql.",
        code="estuary.W009",
    )


def _warn_if(is_wrong: bool, text: str, hint: str, *, code: str) -> list[CheckMessage]:
    return [checks.Warning(text, hint=hint, id=code)] if is_wrong else []


def _is_checked(databases: Sequence[str] | None) -> bool:
    return DEFAULT_DB_ALIAS in (databases or ())


def _is_behind_pooler() -> bool:
    """Compare the process id from connecting with the one that answers: a pooler hides its server's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server_pid = cursor.fetchone()[0]
        return bool(cursor.connection.info.backend_pid != server_pid)


OWNS_LEDGER = """
    SELECT rolsuper OR EXISTS (SELECT FROM pg_class WHERE relname = 'credits_credittransaction'
                               AND pg_has_role(current_user, relowner, 'USAGE'))
    FROM pg_roles WHERE rolname = current_user"""
NO_LOCK_TIMEOUT = "SELECT current_setting('lock_timeout') = '0'"


def _query_is_true(query: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return bool(cursor.fetchone()[0])
