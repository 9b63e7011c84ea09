"""Numbers have no gaps and no doubles, whoever numbers at the same time and wherever a process dies."""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock, ids
from estuary.documents.issuing import credit_notes, issue_documents_of, issue_due_documents
from estuary.documents.issuing.contents import build_receipt
from estuary.documents.issuing.numbering import BATCH
from estuary.documents.issuing.receipts import due_orders, issue_receipts, write_receipts
from estuary.documents.models import NumberCounter, Receipt
from estuary.orders.models import Order, OrderType
from estuary.payments.doctor import SAFETY, run_checks
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.documents.conftest import SELLER
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.flows.test_crowds import all_at_once
from tests.query_plans import as_if_large, read_whole
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
# Where a process that numbers may die, and what it is about to do then.
CRASH_POINTS = {
    "with the counter locked": "numbering.Numbering.give_numbers = die",
    "with the counter written": "models.Receipt.objects.bulk_create = die",
    "with the receipts written": "models.Receipt.objects.bulk_create = then_die(models.Receipt.objects.bulk_create)",
    "with all committed": "receipts.write_receipts = then_die(receipts.write_receipts)",
}
PROCESS = """
import os, django
django.setup()
from estuary.documents import models
from estuary.documents.issuing import issue_due_documents, numbering, receipts

def die(*given, **more):
    os._exit(7)

def then_die(verb):
    def run(*given, **more):
        verb(*given, **more)
        os._exit(7)
    return run

{patch}
issue_due_documents()
"""


def paid_orders(user: User, how_many: int) -> list[Order]:
    """Return orders of credits that were paid days ago, one a second; the last was written down first."""
    paid_at = clock.now() - timedelta(days=2)
    orders = [
        Order(
            public_id=ids.order_id(), user=user, type=OrderType.CREDIT, status="completed", item_key=f"c{n}",
            currency="usd", total_minor=1_000 + n, amount_due_minor=1_000 + n, captured_minor=1_000 + n,
            credit_amount_minor=1_000 + n, stripe_payment_intent_id=ids.public_id("pi"), expires_at=paid_at,
            created_at=paid_at, paid_at=paid_at, completed_at=paid_at + timedelta(seconds=n),
        )
        for n in reversed(range(how_many))
    ]  # fmt: skip
    return Order.objects.bulk_create(orders)


def assert_gapless(how_many: int) -> None:
    """All orders have one number each, in order of their payment, and the doctor agrees."""
    numbered = Receipt.objects.order_by("sequence").values_list("sequence", "order__completed_at")
    assert [sequence for sequence, _ in numbered] == list(range(1, how_many + 1))
    moments = [moment for _, moment in numbered if moment]
    assert moments == sorted(moments)
    rules = [rule for rule in SAFETY if rule.code in {"receipt_numbers_gap", "receipt_off"}]
    assert len(rules) == 2
    assert run_checks(rules, at=clock.now()).violations == []


def test_four_workers_at_once_number_each_order_once(maya: User) -> None:
    paid_orders(maya, 2 * BATCH + 7)
    issued = all_at_once([issue_due_documents] * 4)
    assert sum(issued) == 2 * BATCH + 7
    assert_gapless(2 * BATCH + 7)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_process_that_dies_leaves_no_gap(maya: User, point: str) -> None:
    paid_orders(maya, BATCH + 3)
    environment = os.environ | {"DATABASE_URL": database_url(), "ESTUARY_SELLER_NAME": SELLER.name}
    code = PROCESS.format(patch=CRASH_POINTS[point])
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, timeout=120)
    assert died.returncode == 7
    written = BATCH if point == "with all committed" else 0
    assert Receipt.objects.count() == written
    assert sum(counter.last_sequence for counter in NumberCounter.objects.all()) == written
    assert issue_due_documents() == BATCH + 3 - written
    assert_gapless(BATCH + 3)


def test_one_order_that_fails_holds_up_no_other_and_leaves_no_gap(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = paid_orders(maya, 5)[2]

    def fail_for_one(order: Order, *args: object) -> Receipt:
        if order.pk == broken.pk:
            raise ValueError("its snapshot is damaged")
        return build_receipt(order, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("estuary.documents.issuing.receipts.build_receipt", fail_for_one)
        assert issue_due_documents() == 4
    assert_gapless(4)
    assert alerts() == ["document_failed"]
    # Once the cause is gone it gets the next number, though others were paid later.
    assert issue_due_documents() == 1
    assert Receipt.objects.get(order=broken).sequence == 5


def alerts() -> list[str]:
    """Return the codes of the alerts to staff that are enqueued."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'code' FROM procrastinate_jobs WHERE task_name = 'payments.alert_staff'"
        )
        return [code for [code] in cursor.fetchall()]


def fail(*_: object, **__: object) -> None:
    raise ValueError("a slip that every order meets")


def test_staff_hear_once_an_hour_that_documents_fail(maya: User, monkeypatch: pytest.MonkeyPatch) -> None:
    paid_orders(maya, 5)
    with monkeypatch.context() as patch:
        patch.setattr("estuary.documents.issuing.receipts.build_receipt", fail)
        for _ in range(3):
            assert issue_due_documents() == 0
            assert not issue_documents_of(maya)
        assert alerts() == ["document_failed"]
        with time_machine.travel(clock.now() + timedelta(minutes=61)):
            assert issue_due_documents() == 0
        assert alerts() == ["document_failed"] * 2
    assert issue_due_documents() == 5


def test_staff_hear_once_an_hour_that_credit_notes_fail(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in ("40.00", "60.00"):
        buying.refund(staff, buying.buy_credits(stripe, buyer, amount))
    settle_everything(stripe)
    with monkeypatch.context() as patch:
        patch.setattr("estuary.documents.issuing.credit_notes.build_credit_note", fail)
        assert [issue_due_documents() for _ in range(3)] == [2, 0, 0]
    assert alerts() == ["document_failed"]
    assert issue_due_documents() == 2


def test_a_backfill_goes_in_batches_and_costs_the_same_for_each(maya: User) -> None:
    paid_orders(maya, 2 * BATCH)
    costs: list[int] = []

    def count(ids: Sequence[int]) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert write_receipts(ids, methods={}, seller=SELLER) == BATCH
        costs.append(len([query for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]))

    for _ in range(2):
        count(list(due_orders().values_list("pk", flat=True)[:BATCH]))
    # Counter (looked for, made in a savepoint the first time, locked), orders locked and read, lines, counter, insert.
    assert costs[1] <= 7, costs
    assert costs[0] <= costs[1] + 3, costs


def test_what_is_due_is_found_by_an_index(maya: User) -> None:
    paid_orders(maya, 3)
    issue_due_documents()
    with as_if_large() as plans:
        assert issue_receipts(SELLER, everything=False) == (0, True)
        assert list(credit_notes._pages(clock.now())) == []
    assert len(plans) == 3
    assert read_whole(plans) == []
