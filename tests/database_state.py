"""The whole database as a value: to compare it, and to restore it as a backup does."""

from typing import Any

from django.db import connection, transaction

type Contents = dict[str, list[Any]]


def contents() -> Contents:
    """Return every row of every table of ours, and of the queue, as text."""
    kept = [name for name in connection.introspection.table_names() if not name.startswith("django_")]
    found = {}
    with connection.cursor() as cursor:
        for table in kept:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')  # noqa: S608 (our own names)
            found[table] = cursor.fetchall()
    return found


def put_back(saved: Contents) -> None:
    """Make every table what it was, past all triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in saved.items():
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 (our own names)
            columns = _stored_columns(table)
            cursor.executemany(
                f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM (SELECT (%s::"{table}").*)',  # noqa: S608
                rows,
            )


def _stored_columns(table: str) -> str:
    """Return the names of a table's columns, less those that PostgreSQL computes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            [f'"{table}"'],
        )
        [columns] = cursor.fetchone()
        return str(columns)
