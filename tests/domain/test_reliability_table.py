"""The table of faults is whole, and each row names tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from estuary.config.environment import BASE_DIR
from estuary.payments.doctor import RULES
from estuary.payments.doctor.stripe_comparison import SENTENCES

TEXT = (BASE_DIR / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = re.findall(r"^\| (\d+) \| (.+) → (.+) \| (.+) \|$", TEXT, re.MULTILINE)


@cache
def defined_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_rows_are_numbered_without_a_gap() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"fault {row[0]}")
def test_each_row_names_a_test(row: tuple[str, ...]) -> None:
    named = NAMED.findall(row[3])
    assert named
    assert len(named) == row[3].count("`") // 2, "something else than a test is named"


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall(TEXT)
        if not (BASE_DIR / file).exists() or name not in defined_in(BASE_DIR / file)
    ]
    assert missing == []
    assert len(set(NAMED.findall(TEXT))) > 100


def test_every_rule_of_the_doctor_that_is_named_is_one() -> None:
    upto = TEXT.index("## Faults")
    cells = re.findall(r"`([a-z]+_[a-z_]+)`", TEXT[:upto])
    constraints = {"credits_credittransaction", "order_fulfilled_means_paid", "session_never_oversold"}
    constraints |= {"calendar_practitioner_never_overlaps"}
    assert set(cells) - constraints <= {rule.code for rule in RULES} | set(SENTENCES)
