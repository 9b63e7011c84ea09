"""Whether new migrations can run while the shop is open: asked of squawk, by the SQL that PostgreSQL would get.

Run by ``make check``. The rules, and what to do instead, are in docs/howto/migrate-safely.md.
"""

import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

SQUAWK = Path(sys.executable).parent / "squawk"
OURS = {"accounts", "catalog", "orders", "bookings", "credits", "payments", "documents", "privacy"}
# Made before the first release: no database with customers in it has ever met them one by one.
BEFORE_RELEASE = {
    "accounts": 3,
    "catalog": 2,
    "orders": 3,
    "bookings": 3,
    "credits": 2,
    "payments": 6,
    "documents": 0,
    "privacy": 0,
}
# Of taste, or of how Django writes columns. Timeouts are set where migrations run, not in each of them.
NOT_OURS = (
    "prefer-text-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "require-lock-timeout",
    "require-statement-timeout",
    "transaction-nesting",
)


def problems_in(
    sql: str, *, atomic: bool, name: str = "migration.sql", allowed: Sequence[str] = ()
) -> list[str]:
    """Return what squawk has against some SQL, in its words; ``atomic`` says that a transaction is around it."""
    command = [str(SQUAWK), "--pg-version", "18.0", "--reporter", "gcc", "--stdin-filepath", name]
    command += ["--assume-in-transaction"] if atomic else []
    process = subprocess.run(
        [*command, *(f"--exclude={rule}" for rule in (*NOT_OURS, *allowed))],
        input=sql, capture_output=True, text=True, check=False,
    )  # fmt: skip
    problems = [line for line in process.stdout.splitlines() if ": warning: " in line or ": error: " in line]
    if process.returncode and not problems:
        raise RuntimeError(f"squawk failed: {process.stderr or process.stdout}")
    return problems


def new_migrations(apps: Collection[str]) -> Iterator[Migration]:
    """Return the migrations of some apps that were made after the first release, in no particular order."""
    for (app, name), migration in MigrationLoader(connection).disk_migrations.items():
        if app in apps and int(name.partition("_")[0]) > BEFORE_RELEASE[app]:
            yield migration


def sql_of(migration: Migration) -> str:
    output = StringIO()
    call_command("sqlmigrate", migration.app_label, migration.name, stdout=output, no_color=True)
    return output.getvalue()


def check_all(apps: Collection[str] = OURS) -> list[str]:
    """Return every problem of every new migration of these apps, but those that it says it ``allows``."""
    problems = []
    for migration in new_migrations(apps):
        allowed = getattr(migration, "allows", ())
        problems += problems_in(
            sql_of(migration), atomic=migration.atomic, name=f"{migration}.sql", allowed=allowed
        )
    return problems


def main() -> int:
    django.setup()
    problems = check_all()
    print("\n".join(problems) or "New migrations, if any, can run while the shop is open.")
    if problems:
        print("See docs/howto/migrate-safely.md for what to do instead.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
