"""Rights of the web server's and the worker's roles on each table; the owner grants them after every migration.

These roles own nothing, so they can neither drop a trigger nor truncate a table. See deploy/postgres/roles.sql.
"""

from typing import Any

from django.db import connections, transaction
from psycopg import sql

WORKER = "estuary_worker"
ROLES = ("estuary_web", WORKER)
ALL = "SELECT, INSERT, UPDATE, DELETE"
APPEND_ONLY = "SELECT, INSERT"
# Text columns that an erasure empties. The worker finishes erasures, but may not change amounts and dates.
REDACTED_BY_WORKER = {
    "credits_credittransaction": ("note",),
    "django_admin_log": ("object_repr", "change_message"),
    "documents_receipt": ("buyer_email", "method_last4"),
    "documents_creditnote": ("buyer_email",),
}
# Rows that explain money are never deleted.
NEVER_DELETED = {
    "documents_numbercounter",
    "orders_order",
    "orders_ordertransition",
    "payments_refund",
    "payments_dispute",
}

SELECT_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
SELECT_TABLES = """
    SELECT c.relname, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid
                              AND t.tgname LIKE 'pgtrigger_append_only_%%')
    FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
      AND pg_has_role(current_user, c.relowner, 'USAGE') ORDER BY c.relname"""


def grant_rights(*, using: str, **signal: Any) -> None:
    """Grant the existing roles their rights (a receiver of post_migrate). A laptop has no such roles."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(SELECT_ROLES, [list(ROLES)])
        existing_roles = [role for (role,) in cursor.fetchall()]
        if not existing_roles:
            return
        roles = sql.SQL(", ").join(map(sql.Identifier, existing_roles))
        cursor.execute(SELECT_TABLES, [])
        for table, append_only in cursor.fetchall():
            rights = sql.SQL(_rights(table, append_only=append_only))
            name = sql.Identifier("public", table)
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, roles))
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, name, roles))
            if WORKER in existing_roles and table in REDACTED_BY_WORKER:
                columns = sql.SQL(", ").join(map(sql.Identifier, REDACTED_BY_WORKER[table]))
                grant = "GRANT UPDATE ({}) ON {} TO {}"
                cursor.execute(sql.SQL(grant).format(columns, name, sql.Identifier(WORKER)))
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(roles))


def _rights(table: str, *, append_only: bool) -> str:
    if table == "django_migrations":
        return "SELECT"
    if append_only:
        return APPEND_ONLY
    return ALL.removesuffix(", DELETE") if table in NEVER_DELETED else ALL
