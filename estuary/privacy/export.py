"""The export of a person: all their data in the database, which the law lets them request."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from estuary.accounts.models import User
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.personal_data import PERSONAL, Personal


def export_person(user: User) -> dict[str, list[dict[str, Any]]]:
    """Return the person's rows of each table, without secrets such as a password's hash."""
    return _export(PERSONAL, find_identifiers(user, with_sessions=True))


def export_own_data(user: User) -> dict[str, list[dict[str, Any]]]:
    """Return the person's rows of the tables in which an index finds them, for a request of their own.

    Jobs, sessions, counters and Stripe's events are read whole to find what names a person. Staff do that by command.
    """
    indexed = {table: rows for table, rows in PERSONAL.items() if not rows.is_searched}
    return _export(indexed, {"user": user.pk})


def _export(tables: Mapping[str, Personal], parameters: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    exported = {}
    for table, personal in tables.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {personal.rows}", parameters)  # noqa: S608 (ours)
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        for row in rows:
            for secret in personal.hidden.split():
                row.pop(secret, None)
        exported[table] = rows
    return exported
