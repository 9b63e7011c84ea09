"""Which transactions a database spread by user would have to spread: none of a buyer's, but for the seats and slots.

Every row that is written is noted with its transaction and its owner, by triggers, while flows are played. What is
named here as an exception is explained in docs/scaling.md.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings import fulfilment
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import idempotency
from estuary.payments.inbox import processor
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.disputing import close, dispute
from tests.sandbox_bridge import post_all, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BY_ORDER = "(SELECT user_id FROM orders_order WHERE id = {row}.order_id)"
BUYERS = {
    "orders_order": "{row}.user_id",
    "orders_orderline": BY_ORDER,
    "orders_ordertransition": BY_ORDER,
    "bookings_reservation": BY_ORDER,
    "bookings_booking": "{row}.user_id",
    "bookings_bookingmove": BY_ORDER,
    "bookings_participant": "{row}.user_id",
    "credits_creditaccount": "{row}.user_id",
    "accounts_contactchange": "{row}.user_id",
    "credits_credittransaction": "(SELECT user_id FROM credits_creditaccount WHERE id = {row}.account_id)",
    "payments_stripecustomer": "{row}.user_id",
    "payments_paymentmethod": "{row}.user_id",
    "payments_refund": BY_ORDER,
    "payments_dispute": BY_ORDER,
    "payments_fraudnotice": BY_ORDER,
    "payments_idempotencykey": "{row}.user_id",
    "payments_setupintent": "{row}.user_id",
    "payments_hold": "{row}.user_id",
    "payments_consent": "{row}.user_id",
    "payments_sentmail": BY_ORDER,
    "payments_datechangerow": BY_ORDER,
}
# The exception: what may be sold once is counted where it is sold, beside its practitioner.
PRACTITIONERS = {
    "catalog_calendarentry": "{row}.practitioner_id",
    "catalog_servicesession": "(SELECT practitioner_id FROM catalog_service WHERE id = {row}.service_id)",
    "payments_datechange": "{row}.practitioner_id",
    "payments_guestmessage": "{row}.practitioner_id",
}
# Nobody's: work to do and counts, which need no transaction with a buyer's rows, or are reached by all shards.
NOBODYS = {
    "payments_webhookevent",
    "payments_attempts",
    "payments_decline",
    "payments_hourlyalert",
    "payments_lookout",
    "payments_orphan",
    "payments_refusal",
    "payments_stripeaccount",
}
# Written by staff and practitioners, never while somebody pays.
CATALOGUE = {
    "catalog_service",
    "catalog_serviceprice",
    "catalog_packageitem",
    "catalog_venue",
    "catalog_availability",
    "catalog_availabilityexception",
    "bookings_rosterfeed",
    "accounts_user",
    "accounts_practitioner",
}


@pytest.fixture(autouse=True)
def noted(transactional_db: None) -> Iterator[None]:
    """Note who owns what every transaction writes."""
    _execute("CREATE TABLE touched (transaction xid8, kind text, owner bigint)")
    for kind, tables in (("buyer", BUYERS), ("practitioner", PRACTITIONERS)):
        for table, owner in tables.items():
            _execute(_trigger(table, kind, owner))
    yield
    for table in [*BUYERS, *PRACTITIONERS]:
        _execute(f"DROP FUNCTION note_{table} CASCADE")
    _execute("DROP TABLE touched")


def _trigger(table: str, kind: str, owner: str) -> str:
    return f"""
        CREATE FUNCTION note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO touched VALUES (pg_current_xact_id(), '{kind}',
            CASE WHEN TG_OP = 'DELETE' THEN {owner.format(row="OLD")} ELSE {owner.format(row="NEW")} END);
          RETURN NULL; END $$;
        CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {table}
          FOR EACH ROW EXECUTE FUNCTION note_{table}()"""  # noqa: S608 (our own names)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def widest(kind: str) -> int:
    """Return how many owners of a kind the widest transaction since the last question has touched."""
    owners = "SELECT count(DISTINCT owner) AS owners FROM touched WHERE kind = %s GROUP BY transaction"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(owners), 0) FROM ({owners}) AS each", [kind])  # noqa: S608
        return int(cursor.fetchone()[0])


def forget() -> None:
    _execute("TRUNCATE touched")


def test_every_table_is_somebodys_or_named_as_nobodys() -> None:
    ours = {
        name
        for name in connection.introspection.table_names()
        if name.partition("_")[0] in {"accounts", "catalog", "orders", "bookings", "credits", "payments"}
    }
    of_django = {"accounts_user_groups", "accounts_user_user_permissions"}
    assert ours - of_django == BUYERS.keys() | PRACTITIONERS.keys() | NOBODYS | CATALOGUE


def test_no_transaction_of_money_touches_two_buyers(
    stripe: Sandbox, buyer: APIClient, other: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    """Two buyers at a time, in turn: all that either does, and all that staff, the bank and the sweep do for them."""
    session = make_service(ServiceType.SESSION, ana, usd=8000)
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=5)
    package = make_service(ServiceType.PACKAGE, ana, holds=[session, workshop])
    forget()
    for who in (buyer, other):
        bought = buying.buy_credits(stripe, who, "50.00")
        mixed = buying.with_credits(who, session)
        buying.pay(stripe, mixed)
        seated = buying.service(who, workshop, service_session_id=str(seat.pk))
        buying.pay(stripe, seated)
        buying.pay(stripe, buying.service(who, package))
        buying.refund(staff, mixed, amount="10.00")
        settle_everything(stripe)
        stripe.control.refund(bought["payment_intent_id"], 1000)
        settle_everything(stripe)
        close(stripe, dispute(stripe, seated), "lost")
        settle_everything(stripe)
        buying.service(who, session, start_datetime=a_free_slot(session, nth=4).isoformat())
    with connection.cursor() as cursor:  # as if a while had passed: a write of the test's own is not noted
        cursor.execute("SET session_replication_role = replica")
        Order.objects.filter(status="pending").update(expires_at=clock.now() - timedelta(seconds=1))
        cursor.execute("SET session_replication_role = origin")
    assert overdue.expire_orders() == 2
    [held] = Booking.objects.filter(order__user__email__startswith="maya", service=session, parent=None)
    assert buyer.post(f"/api/v1/bookings/{held.pk}/cancel/").status_code == 200
    settle_everything(stripe)
    assert widest("buyer") == 1


def test_no_purchase_touches_two_buyers_and_each_only_the_practitioners_it_books(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    parts = [make_service(ServiceType.SESSION, who) for who in (ana, make_practitioner("Rui Alves"))]
    package = make_service(ServiceType.PACKAGE, ana, holds=parts)
    forget()
    for who in (buyer, other):
        buying.buy_credits(stripe, who, "50.00")
        buying.pay(stripe, buying.with_credits(who, parts[0]))
    assert (widest("buyer"), widest("practitioner")) == (1, 1)
    items = [
        {"service_id": str(part.pk), "start_datetime": a_free_slot(part, nth=8).isoformat()} for part in parts
    ]
    buying.pay(stripe, buying.service(buyer, package, items=items))
    assert (widest("buyer"), widest("practitioner")) == (1, 2)


def test_the_exceptions_a_batch_is_as_wide_as_what_it_claimed_and_what_is_past_or_old_is_seen_to_for_all(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=5)
    for who in (buyer, other):
        buying.pay_only(stripe, buying.service(who, workshop, service_session_id=str(seat.pk)))
    post_all(stripe)
    forget()
    processor.drain()
    assert widest("buyer") == 2
    settle_everything(stripe)
    forget()
    assert fulfilment.close_past(at=seat.ends_at + timedelta(minutes=1)) == 2
    assert widest("buyer") == 2
    body = {"is_credit_purchase": True, "amount": "20.00"}
    for who in (buyer, other):
        assert who.post(buying.CREATE, body, headers={"Idempotency-Key": "one"}).status_code == 201
    forget()
    with time_machine.travel(clock.now() + timedelta(days=settings.IDEMPOTENCY_KEYS_KEPT_DAYS + 1)):
        assert idempotency.delete_old_keys() == 2
    assert widest("buyer") == 2
