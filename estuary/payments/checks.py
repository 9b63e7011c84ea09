"""What ``manage.py check --deploy --database default`` says about a set-up that works and is not safe."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DEFAULT_DB_ALIAS, connection


@register(Tags.security, deploy=True)
def proxies_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without the number of proxies, addresses are not known and the limits for them do not hold."""
    if settings.SANDBOX or settings.TRUSTED_PROXIES is not None:
        return []
    hint = "Set it to 1 behind one proxy that sets X-Forwarded-For, and to 0 when buyers reach this server directly."
    return [
        checks.Warning(
            "ESTUARY_TRUSTED_PROXIES is not set: card testing is not limited by address.",
            hint=hint,
            id="estuary.W001",
        )
    ]


@register(Tags.database)
def pooler_is_known(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A pooler that nobody told of gives each transaction another server, where nothing is prepared."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or settings.BEHIND_PGBOUNCER or not _is_behind_pooler():
        return []
    hint = (
        "Set DATABASE_DIRECT_URL to PostgreSQL itself, and DATABASE_URL to the pooler. In session mode, which gives "
        "each client a server of its own, this can stay as it is."
    )
    return [
        checks.Warning("DATABASE_URL leads to a pooler, not to PostgreSQL.", hint=hint, id="estuary.W002")
    ]


def _is_behind_pooler() -> bool:
    """Compare whom we were connected to with who answers: a pooler keeps the number of its server to itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        answers = cursor.fetchone()[0]
        return bool(cursor.connection.info.backend_pid != answers)
