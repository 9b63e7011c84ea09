"""The export of a person: all their data in the database, which the law lets them request."""

from typing import Any

from django.db import connection

from estuary.accounts.models import User
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.personal_data import PERSONAL


def export_person(user: User) -> dict[str, list[dict[str, Any]]]:
    """Return the person's rows of each table, without secrets such as a password's hash."""
    parameters = find_identifiers(user)
    exported = {}
    for table, personal in PERSONAL.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {personal.rows}", parameters)  # noqa: S608 (ours)
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        for row in rows:
            for secret in personal.hidden.split():
                row.pop(secret, None)
        exported[table] = rows
    return exported
