"""No index is kept for nothing: each is written whenever a row is, and most rows here are written twice."""

import pytest
from django.apps import apps
from django.db import connection

from tests.migration_safety import OURS

# Of each index for all rows of a table: its columns, in order, and every other that could answer in its place; that one
# may leave out rows whose first column is empty. What is unique stays, whatever else is there.
COVERED = """
    WITH known AS (
      SELECT indrelid AS of_table, indexrelid::regclass::text AS name, indisunique AS is_unique,
        indpred IS NULL AS whole,
        pg_get_expr(indpred, indrelid) = format('(%%I IS NOT NULL)', attname) AS whole_but_empty,
        string_to_array(indkey::text, ' ') AS columns, string_to_array(indclass::text, ' ') AS classes
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam AND amname = 'btree'
      JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
      WHERE indrelid::regclass::text = ANY(%s) AND indexprs IS NULL)
    SELECT narrow.name, wide.name FROM known narrow JOIN known wide USING (of_table)
    WHERE narrow.name <> wide.name AND narrow.whole AND NOT narrow.is_unique
      AND (wide.whole OR wide.whole_but_empty)
      AND wide.columns[:cardinality(narrow.columns)] = narrow.columns
      AND wide.classes[:cardinality(narrow.columns)] = narrow.classes
      AND (cardinality(wide.columns) > cardinality(narrow.columns) OR wide.is_unique)
    ORDER BY 1, 2"""
PATTERNS = """
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indrelid::regclass::text = ANY(%s) AND pg_get_indexdef(indexrelid) LIKE '%%_pattern_ops)%%' ORDER BY 1"""


def ask(question: str) -> list[tuple[str, ...]]:
    tables = [model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()]
    with connection.cursor() as cursor:
        cursor.execute(question, [tables])
        return list(cursor.fetchall())


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another() -> None:
    assert ask(COVERED) == []


@pytest.mark.django_db
def test_the_only_indexes_for_patterns_are_those_by_which_staff_find_people_and_ids() -> None:
    ends = [
        "dispute_stripe_id",
        "order_intent",
        "payment_method_id",
        "refund_stripe_id",
        "stripe_customer_id",
    ]
    of_parts = [f"{name}_ends" for name in (*ends, "webhook_event_charge")]
    of_parts += ["dispute_stripe_id_begins", "payment_method_id_begins"]
    # A unique index that compares bytes finds the beginning of an id too.
    of_parts += ["order_by_session_id", "order_by_intent_id"]
    of_parts += ["refund_by_stripe_id", "stripe_customer_by_id"]
    of_people = ["user_by_email", "user_by_first_name", "user_by_last_name"]
    assert ask(PATTERNS) == [(name,) for name in sorted([*of_parts, *of_people])]
