"""A batch of many events is settled by indexes, however many orders there are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from estuary.common import clock
from estuary.payments.inbox import BATCH
from estuary.payments.objects import Intent
from estuary.payments.rules import Fact
from estuary.payments.settlement import settle

pytestmark = pytest.mark.django_db(transaction=True)


def payment(intent_id: str) -> Intent:
    return Intent(
        id=intent_id,
        status="succeeded",
        amount_minor=5000,
        received_minor=5000,
        currency="usd",
        customer_id="",
        livemode=False,
        order_ref=f"of {intent_id}",
        payment_method_id="",
        decline=None,
        cancellation_reason="",
    )


def test_the_orders_of_a_full_batch_are_found_without_reading_every_order() -> None:
    facts = [Fact(payment(f"pi_{n}"), "payment_intent.succeeded") for n in range(BATCH)]
    with CaptureQueriesContext(connection) as queries:
        settle(facts, at=clock.now())
    [search] = [query["sql"] for query in queries if "pi_199" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")  # a plan that scans all the same had no index to use
        try:
            cursor.execute(f"EXPLAIN {search}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("RESET enable_seqscan")
    assert "order_intent_unique" in plan, plan
    assert "Seq Scan" not in plan, plan
