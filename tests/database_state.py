"""The whole database as a value: to compare it, and to restore it as a backup does."""

from typing import Any

from django.db import connection, transaction

type Contents = dict[str, list[Any]]


def contents() -> Contents:
    """Return every row of every table of ours, and of the queue, as text."""
    tables = [name for name in connection.introspection.table_names() if not name.startswith("django_")]
    rows = (f'SELECT {number}, t::text FROM "{table}" t' for number, table in enumerate(tables))  # noqa: S608 (our own names)
    rows_by_table: Contents = {table: [] for table in tables}
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(rows)} ORDER BY 1, 2")
        for number, row in cursor.fetchall():
            rows_by_table[tables[number]].append((row,))
    return rows_by_table


def put_back(saved: Contents) -> None:
    """Make every table what it was, past all triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in saved))  # noqa: S608 (our own names)
        columns = _stored_columns()
        for table, rows in saved.items():
            if rows:
                cursor.executemany(
                    f'INSERT INTO "{table}" ({columns[table]})'  # noqa: S608
                    f' SELECT {columns[table]} FROM (SELECT (%s::"{table}").*)',
                    rows,
                )


def _stored_columns() -> dict[str, str]:
    """Return the names of each table's columns, less those that PostgreSQL computes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, string_agg(quote_ident(attname), ', ' ORDER BY attnum)"
            " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' GROUP BY relname"
        )
        return dict(cursor.fetchall())
