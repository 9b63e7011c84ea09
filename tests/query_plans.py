"""How PostgreSQL would go about what is asked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def explained() -> Iterator[list[str]]:
    """Give the plan of every SELECT in the block."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join([sql, *(row[0] for row in cursor.fetchall())]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


@contextmanager
def as_if_large() -> Iterator[list[str]]:
    """Give the plan of every SELECT in the block, made as for tables that nobody reads whole."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for dear in (
                "seqscan",
                "indexscan",
                "indexonlyscan",
            ):  # which leaves bitmaps, of what an index answers
                cursor.execute(f"SET LOCAL enable_{dear} = off")
        with explained() as plans:
            yield plans


def read_whole(plans: list[str]) -> list[str]:
    """Return the steps that look at every row of a table or of an index, each with the plan it is in."""
    problems = []
    for plan in plans:
        for step in re.split(r"\n *->  |\n(?=\S)", plan):
            if " Scan" in step.partition("\n")[0] and "Index Cond" not in step and "Recheck Cond" not in step:
                problems.append(f"{step[:200]}\nin {plan}")
    return problems
