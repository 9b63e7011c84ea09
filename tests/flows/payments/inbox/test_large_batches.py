"""A batch of many events is settled by indexes, however many orders there are."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.inbox.processor import BATCH
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import StripeObservation
from estuary.payments.stripe_objects import Intent, StripeRefund
from tests.factories import make_user

ORDERS = 2_000

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


def refund(intent_id: str) -> StripeRefund:
    return StripeRefund(
        id=f"re of {intent_id}",
        status="succeeded",
        amount_minor=5000,
        currency="usd",
        intent_id=intent_id,
        refund_ref="",
        failure_reason="",
    )


def fill_orders() -> None:
    """Insert so many orders that only a search by the ids themselves is cheap."""
    user = make_user()
    Order.objects.bulk_create(
        Order(
            user=user,
            type="credit",
            status="canceled",
            item_key=f"credits {n}",
            currency="usd",
            total_minor=5000,
            amount_due_minor=5000,
            stripe_payment_intent_id=f"pi_other_{n}",
            expires_at=clock.now(),
        )
        for n in range(ORDERS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders_order")


@pytest.mark.parametrize(
    ("build", "index", "table"),
    [
        (payment, "order_by_intent_id", "orders_order"),
        (refund, "refund_by_intent", "payments_refund"),
    ],
    ids=["payments", "refunds of strays"],
)
def test_whose_the_events_of_a_full_batch_are_is_found_by_an_index(
    build: Callable[[str], Intent | StripeRefund], index: str, table: str
) -> None:
    facts = [StripeObservation(build(f"pi_{n}"), "told") for n in range(BATCH)]
    queries = []

    def note(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        queries.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(note):
        settle(facts, at=clock.now())
    fill_orders()
    [search] = [
        (sql, params) for sql, params in queries if "pi_199" in str(params) and f'FROM "{table}"' in sql
    ]
    with connection.cursor() as cursor:
        # A plan that reads the whole table all the same, or all of it by its key, had no index to use.
        cursor.execute("SET enable_seqscan = off; SET enable_indexscan = off")
        try:
            cursor.execute(f"EXPLAIN {search[0]}", search[1])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_indexscan")
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
