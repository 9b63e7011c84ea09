"""What settling asks again and again is read and planned once for each connection, by a plan that fits any values."""

import re
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from estuary.accounts.models import User
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.config.database import database_settings
from estuary.payments import settlement
from estuary.payments.inbox import processor
from stripe_sandbox import Sandbox
from tests.database_cleanup import drop_connections
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.sandbox_bridge import post_all

pytestmark = pytest.mark.django_db(transaction=True)

PLANNED: dict[str, PreparedQuery[Any]] = {
    "webhook_event_due": processor._due(processor.BATCH),
    "order_by_intent_id": settlement.ORDERS_BY_STRIPE_ID,
    "order_by_session_id": settlement.ORDERS_BY_STRIPE_ID,
}
BY_ID = PreparedQuery(lambda: User.objects.filter(pk=Param("user_id")))


def plan_for_any_values(query: PreparedQuery[Any]) -> str:
    """Return how PostgreSQL would carry a query out that knows none of its values yet."""
    numbers = count(1)
    with transaction.atomic(), connection.cursor() as cursor:
        statement = re.sub("%s", lambda _: f"${next(numbers)}", query._written[0]).replace("%%", "%")
        cursor.execute("SET LOCAL enable_seqscan = off")  # the tables are all but empty, and so read whole,
        cursor.execute("SET LOCAL enable_indexscan = off")  # or by their keys
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())


def prepared_here() -> list[tuple[str, int]]:
    """Return each statement that this connection knows, and how often it was carried out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements")
        return list(cursor.fetchall())


@pytest.mark.parametrize("index", PLANNED)
def test_a_plan_for_any_values_uses_the_indexes_that_are_for_some_rows_only(index: str) -> None:
    assert f"Bitmap Index Scan on {index} " in plan_for_any_values(PLANNED[index])


def test_what_each_batch_says_is_prepared_once(stripe: Sandbox) -> None:
    for number in range(3):
        buying.pay_only(stripe, buying.credits(signed_in(make_user(f"Buyer{number} Pays"))))
    post_all(stripe)
    drop_connections()  # a statement that failed the first time, in an earlier test, is prepared twice there
    while processor.drain(1):  # a batch for each event, all on one connection
        pass
    statements = prepared_here()
    assert len(statements) == len(dict(statements))
    [handing_over] = [
        statement for statement, _ in statements if statement.startswith("UPDATE orders_order ")
    ]
    assert dict(statements)[handing_over] == 3


def test_a_plan_of_no_use_since_a_migration_is_made_anew() -> None:
    """Outside of a transaction nothing is rolled back that would have psycopg forget it."""
    user = make_user()

    def password() -> str:
        [row] = BY_ID.fetch(user_id=user.pk)
        return row.password

    before = password()
    with psycopg.connect(database_url(), autocommit=True) as migration:
        for column in ("text", "varchar(128)"):
            migration.execute(f"ALTER TABLE accounts_user ALTER COLUMN password TYPE {column}")
            assert (password(), password()) == (before, before)


def test_behind_a_pooler_nothing_is_prepared() -> None:
    url = "postgresql://estuary@127.0.0.1/estuary"
    assert database_settings(url, pool_size=4)["OPTIONS"]["prepare_threshold"] == 0
    assert database_settings(url, pool_size=4, bouncer=True)["OPTIONS"]["prepare_threshold"] is None
