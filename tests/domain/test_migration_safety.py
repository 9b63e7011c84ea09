"""What must not run on a live database is refused, and what may is let through."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from pytest_django import Settings

from estuary.config.environment import BASE_DIR
from tests.migration_safety import check_all, problems_in

UNSAFE = {
    "require-concurrent-index-creation": "CREATE INDEX by_day ON orders_order (created_at);",
    "constraint-missing-not-valid": "ALTER TABLE orders_order ADD CONSTRAINT paid CHECK (total_minor >= 0);",
    "adding-not-nullable-field": "ALTER TABLE orders_order ALTER COLUMN service_id SET NOT NULL;",
    "changing-column-type": "ALTER TABLE orders_order ALTER COLUMN posts TYPE bigint;",
    "renaming-column": "ALTER TABLE orders_order RENAME COLUMN total_minor TO total;",
    "ban-drop-column": "ALTER TABLE orders_order DROP COLUMN total_minor;",
    "renaming-table": "ALTER TABLE orders_order RENAME TO orders_purchase;",
    "adding-required-field": "ALTER TABLE orders_order ADD COLUMN note text NOT NULL;",
    "ban-drop-default": "ALTER TABLE orders_order ALTER COLUMN posts DROP DEFAULT;",
}
SAFE = [
    "ALTER TABLE orders_order ADD COLUMN note text NULL;",
    "ALTER TABLE orders_order ADD COLUMN note text DEFAULT '' NOT NULL;",
    "ALTER TABLE orders_order ADD CONSTRAINT paid CHECK (total_minor >= 0) NOT VALID;",
    "CREATE TABLE orders_note (id bigint PRIMARY KEY, text text NOT NULL);",
]


@pytest.mark.parametrize("rule", UNSAFE)
def test_what_would_lock_the_shop_or_break_the_code_before_it_is_refused(rule: str) -> None:
    assert any(rule in problem for problem in problems_in(UNSAFE[rule], atomic=True))


@pytest.mark.parametrize("sql", SAFE)
def test_what_can_run_while_people_buy_is_let_through(sql: str) -> None:
    assert problems_in(sql, atomic=True) == []


def test_an_index_may_be_made_while_people_buy_when_it_is_made_beside() -> None:
    assert problems_in("CREATE INDEX CONCURRENTLY by_day ON orders_order (created_at);", atomic=False) == []


DROPS_A_COLUMN = dedent(
    """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("credits", "0002_frozen")]
        operations = [migrations.RemoveField("credittransaction", "note")]
    """
)


@pytest.fixture
def a_new_migration(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The migrations of the credits as a package elsewhere, with room for one more."""
    package = tmp_path / "later_migrations"
    package.mkdir()
    for source in (BASE_DIR / "estuary" / "credits" / "migrations").glob("*.py"):
        (package / source.name).write_text(source.read_text())
    monkeypatch.syspath_prepend(tmp_path)
    settings.MIGRATION_MODULES = {"credits": "later_migrations"}
    yield package / "0003_later.py"
    for name in [name for name in sys.modules if name.startswith("later_migrations")]:
        del sys.modules[name]


@pytest.mark.exhaustive
@pytest.mark.django_db(transaction=True)
def test_a_migration_of_djangos_own_making_that_is_not_safe_is_named(a_new_migration: Path) -> None:
    assert check_all() == []
    a_new_migration.write_text(
        dedent(
            """
            from django.db import migrations, models

            class Migration(migrations.Migration):
                dependencies = [("credits", "0002_frozen")]
                operations = [
                    migrations.AddIndex("credittransaction", models.Index(fields=["kind"], name="by_kind")),
                ]
            """
        )
    )
    [problem] = check_all({"credits"})
    assert "credits.0003_later" in problem and "require-concurrent-index-creation" in problem


@pytest.mark.django_db(transaction=True)
def test_a_migration_may_say_what_it_is_allowed(a_new_migration: Path) -> None:
    a_new_migration.write_text(DROPS_A_COLUMN)
    [problem] = check_all({"credits"})
    assert "ban-drop-column" in problem
    a_new_migration.write_text(DROPS_A_COLUMN + '    allows = ("ban-drop-column",)\n')
    for name in [name for name in sys.modules if name.startswith("later_migrations")]:
        del sys.modules[name]
    assert check_all({"credits"}) == []
