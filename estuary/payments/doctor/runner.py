"""All rules are checked on one snapshot of a live database, read-only."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, OperationalError, connection, transaction

from estuary.payments.doctor.check import Rule

# Per broken rule, so many objects are shown; all are counted.
MAX_OBJECTS = 20
# For one rule.
TIMEOUT_S = 60
WORK_MEM = "64MB"

FIGURES = """
    SELECT currency, count(*), sum(captured_minor), sum(refunded_minor)
    FROM orders_order GROUP BY currency ORDER BY currency"""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: how many objects break it, and the first of them with their problem."""

    code: str
    sentence: str
    remedy: str
    count: int
    objects: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class CheckRun:
    """The result: broken rules, seconds of each rule, and figures.

    A figure is a currency with its number of orders and the captured and refunded minor units.
    """

    violations: list[Violation] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    figures: list[tuple[str, int, int, int]] = field(default_factory=list)


def run_checks(rules: Sequence[Rule], *, at: datetime, timeout_s: int = TIMEOUT_S) -> CheckRun:
    """Check all rules on one snapshot, so that concurrent changes give no false alarm; writes nothing.

    A rule that takes longer than ``timeout_s`` counts as broken, because it was not checked. Raises RuntimeError
    inside an open transaction.
    """
    result = CheckRun()
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = '{int(timeout_s)}s'")
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'")
        cursor.execute("SET LOCAL jit = off")
        for rule in rules:
            started_at = time.monotonic()
            if violation := _run_rule(cursor, rule, at):
                result.violations.append(violation)
            result.seconds[rule.code] = time.monotonic() - started_at
        cursor.execute(FIGURES)
        result.figures = [(row[0], *map(int, row[1:])) for row in cursor.fetchall()]
    return result


def run_check(rule: Rule, *, at: datetime, timeout_s: int = TIMEOUT_S) -> Violation | None:
    """Check one rule alone; writes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = '{int(timeout_s)}s'")
        return _run_rule(cursor, rule, at)


def _run_rule(cursor: Any, rule: Rule, at: datetime) -> Violation | None:
    broken = f"({rule.sql}) AS broken (object, wrong)"
    query = f"SELECT broken.*, count(*) OVER () FROM {broken} LIMIT {MAX_OBJECTS}"  # noqa: S608 (rules are our own)
    try:
        with transaction.atomic():
            cursor.execute(query, rule.parameters(at))
            rows = cursor.fetchall()
    except (OperationalError, DataError) as error:
        is_timeout = isinstance(error, OperationalError)
        problem = f"{'not looked at' if is_timeout else "can't be asked"}: {error}".strip()
        # A row that the rule did not expect; the other rules are still checked.
        remedy = (
            "Ask again with a longer --timeout." if is_timeout else "Find the row that the message speaks of."
        )
        return Violation(rule.code, rule.sentence, remedy, 1, (("rule", problem),))
    if not rows:
        return None
    objects = tuple((str(row[0]), str(row[1])) for row in rows)
    return Violation(rule.code, rule.sentence, rule.remedy, rows[0][2], objects)
