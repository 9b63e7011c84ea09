"""The tools of a mutant: put one function in another's place, everywhere; take the strength out of a constraint."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

INVARIANTS = (*(f"S{number}" for number in range(1, 13)), *(f"L{number}" for number in range(1, 5)))


@dataclass(frozen=True)
class Mutant:
    """One slip: which invariant it breaks, which rules notice it, and which of focused_scenarios.py play it."""

    name: str
    invariant: str
    rules: tuple[str, ...]
    act: Callable[[], None]
    scenarios: str = ""


MUTANTS: list[Mutant] = []


def breaks(
    invariant: str, *rules: str, scenarios: str = ""
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function, by its name, as a mutant; it is called once, before the first run."""

    def enter(act: Callable[[], None]) -> Callable[[], None]:
        MUTANTS.append(Mutant(act.__name__.replace("_", " "), invariant, rules, act, scenarios))
        return act

    return enter


def instead_of(original: Any, other: Any) -> None:
    """Put another in the place of a function or a value, under each name that a module of the product has for it."""
    is_replaced = False
    for name, module in list(sys.modules.items()):
        if name.startswith("estuary."):
            for key, value in list(vars(module).items()):
                if value is original:
                    vars(module)[key], is_replaced = other, True
    assert is_replaced, f"nothing in the product is {original}"


def rebind(owner: Any, name: str, other: Any) -> None:
    """Put another in the place of a function or a value in one module or class alone, which must have that name."""
    assert hasattr(owner, name), (
        f"{owner} has no {name}: it was renamed, and this mutant would change nothing"
    )
    setattr(owner, name, other)


def unwritten(original: Any) -> None:
    """Let a function do all that it does, and then roll it back; its answer goes out all the same."""

    @functools.wraps(original)
    def rolled_back(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            answer = original(*args, **kwargs)
            transaction.set_rollback(True)
        return answer

    instead_of(original, rolled_back)


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def none_done(*_: Any, **__: Any) -> int:
    """Do nothing, and say so."""
    return 0


def run_sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def weaken(table: str, constraint: str) -> None:
    """Leave a constraint's name there and nothing of its strength, as a migration may that was resolved in haste."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
            " UNION ALL SELECT 1 FROM pg_indexes WHERE tablename = %s AND indexname = %s",
            [table, constraint, table, constraint],
        )
        assert cursor.fetchone(), (
            f"{table} has no {constraint}: it was renamed, and this mutant would change nothing"
        )
    run_sql(
        f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{constraint}"',
        f'DROP INDEX IF EXISTS "{constraint}"',
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{constraint}" CHECK (true)',
    )


def let_the_ledger_change() -> None:
    """The ledger's trigger is there, and lets everything pass."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = 'credits_credittransaction'::regclass AND t.tgname LIKE 'pgtrigger_append_only_%'"
        )
        [(name,)] = cursor.fetchall()
    run_sql(
        f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS'
        " 'BEGIN IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; RETURN NEW; END'"
    )
