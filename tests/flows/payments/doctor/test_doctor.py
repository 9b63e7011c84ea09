# ruff: noqa: S608 (the damage is planted in SQL of our own)
"""The doctor: silent on a healthy marketplace, and for each kind of damage it names that one, and only that."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import InternalError, connection, transaction
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.payments.doctor import RULES, run_checks
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, pay
from tests.flows.payments.doctor.damages import DAMAGE
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marketplace(
    stripe: Sandbox, buyer: APIClient, other: APIClient, staff: APIClient, ana: Practitioner
) -> Sandbox:
    """One of everything: bought, held, declined, canceled, refunded, paid with credits, at its bank."""
    session, workshop = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    course = make_service(ServiceType.COURSE, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=4, validity_days=30)
    package = make_service(ServiceType.PACKAGE, ana, holds=[session, workshop], validity_days=30)
    [seat], _ = make_sessions(workshop, capacity=3), make_sessions(course, 2, in_days=70)
    bought = buying.buy_credits(stripe, buyer, "100.00")
    buying.refund(staff, bought, amount="30.00")
    slot = a_free_slot(session).isoformat()
    pay(stripe, buying.service(buyer, session, start_datetime=slot))
    whole = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    pay(stripe, whole)
    pay(stripe, buying.create(buyer, service_id=course.pk, payment_type="checkout"))
    pay(stripe, buying.service(buyer, bundle))
    pay(stripe, buying.create(buyer, service_id=package.pk, use_credits=True))
    settle_everything(stripe)
    buying.refund(staff, whole)
    buying.service(other, workshop, service_session_id=str(seat.pk))
    pay(stripe, buying.credits(other, "40.00"), buying.DECLINED)
    later = {"start_datetime": a_free_slot(session, nth=9).isoformat()}
    pay(stripe, buying.service(other, bundle, items=[later]), method="us_bank_account")
    settle_everything(stripe)
    issue_due_documents()
    return stripe


def codes() -> set[str]:
    return {breach.code for breach in run_checks(RULES, at=clock.now()).violations}


def doctor(*options: str) -> tuple[int, str]:
    """Call the doctor as staff does; returns its exit code and what it printed."""
    out = StringIO()
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_on_a_healthy_marketplace_it_says_one_line_and_writes_nothing(marketplace: Sandbox) -> None:
    before = contents()
    status, output = doctor()
    assert (status, output.count("\n")) == (0, 1), output
    assert output.startswith(f"healthy: {len(RULES)} rules hold; ")
    status, output = doctor("--stripe", "--json")
    report = json.loads(output)
    assert (status, report["healthy"], report["breaches"]) == (0, True, []), output
    assert report["figures"][0]["currency"] == "usd"
    assert contents() == before


@contextmanager
def planted(guard: str, sql: str) -> Iterator[None]:
    """Do damage past every trigger, and take it back afterwards: tables and guards are as they were."""
    saved = contents()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        restore = _take_away(cursor, guard) if guard else ""
        if sql:
            cursor.execute(sql)
    try:
        yield
    finally:
        put_back(saved)
        with connection.cursor() as cursor:
            for table in ("credits_credittransaction", "documents_receipt"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
            if restore:
                cursor.execute(restore)


def _take_away(cursor: Any, guard: str) -> str:
    """Drop a constraint or a unique index and return the SQL that makes it again."""
    cursor.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s",
        [guard],
    )
    if row := cursor.fetchone():
        table, definition = row
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{guard}"')
        return f'ALTER TABLE {table} ADD CONSTRAINT "{guard}" {definition}'
    cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [guard])
    [definition] = cursor.fetchone()
    cursor.execute(f'DROP INDEX "{guard}"')
    return str(definition)


def a_late_payment(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> None:
    """An order that was paid after it had ended, whose refund is on its way."""
    session = make_service(ServiceType.SESSION, ana)
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    store = stripe.state.store.payment_intents
    intent = store.get(order["payment_intent_id"])
    assert intent is not None
    intent["status"] = "requires_payment_method"  # Stripe answered that it was canceled, and was mistaken
    pay(stripe, order, REFUND_PENDS)


def test_each_kind_of_damage_is_named_and_only_that(
    marketplace: Sandbox, buyer: APIClient, ana: Practitioner, subtests: Any
) -> None:
    a_late_payment(marketplace, buyer, ana)
    assert codes() == set()
    for code, guard, sql in DAMAGE:
        with subtests.test(code, sql=sql), planted(guard, sql):
            assert codes() == {code} | ({"guard_missing"} if guard else set())
            if code != "guard_missing":
                status, output = doctor()
                assert status == 1
                assert f"{code}: broken by " in output
                assert "What to do: " in output
    assert codes() == set()


def test_no_rule_is_without_its_damage() -> None:
    assert {code for code, _, _ in DAMAGE} == {rule.code for rule in RULES}


def test_every_broken_object_is_counted_and_the_first_are_told(
    stripe: Sandbox, transactional_db: None
) -> None:
    values = ", ".join(f"('list {n}', now() - interval '1 hour')" for n in range(25))
    with planted("", f"INSERT INTO payments_lookout (name, looked_until) VALUES {values}"):
        _, output = doctor()
        assert "worker_silent: broken by 25." in output
        assert "… and 5 more" in output


def test_a_rule_that_takes_too_long_is_told_and_the_others_are_asked(
    stripe: Sandbox, marketplace: Sandbox
) -> None:
    slow = replace(RULES[0], sql="SELECT 'x', 'y' FROM pg_sleep(5)")
    result = run_checks([slow, *RULES[1:]], at=clock.now(), timeout_s=1)
    assert [(breach.code, breach.objects[0][1][:13]) for breach in result.violations] == [
        (slow.code, "not looked at")
    ]


def test_the_doctor_may_change_nothing_even_if_a_rule_would(stripe: Sandbox, transactional_db: None) -> None:
    writing = replace(RULES[0], sql="SELECT nextval('orders_order_id_seq')::text, 'x'")
    with pytest.raises(InternalError, match="read-only"):
        run_checks([writing], at=clock.now())
