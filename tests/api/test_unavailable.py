"""What is answered while no connection to the database is to be had: 503 at every door, and nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test import Client
from psycopg_pool import PoolTimeout

from estuary.payments.inbox import processor
from estuary.payments.models import Refund, WebhookEvent
from stripe_sandbox import Delivery, Sandbox
from tests.factories import PASSWORD, REFUNDING, make_staff, make_user, signed_in
from tests.flows import buying
from tests.sandbox_bridge import WEBHOOK

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def no_connection_left() -> Iterator[None]:
    """Take every connection of the pool for a while."""
    connection.close()
    pool: Any = cast(DatabaseWrapper, connection).pool
    taken = []
    while True:
        try:
            taken.append(pool.getconn(timeout=0.2))
        except PoolTimeout:
            break
    try:
        yield
    finally:
        for one in taken:
            pool.putconn(one)


def deliver(delivery: Delivery) -> Any:
    signature = {"Stripe-Signature": delivery.headers["Stripe-Signature"]}
    return Client().post(WEBHOOK, delivery.body, "application/json", headers=signature)


def test_an_event_is_refused_while_it_can_not_be_kept_and_kept_when_it_comes_again(stripe: Sandbox) -> None:
    buyer = signed_in(make_user())
    buying.pay_only(stripe, buying.credits(buyer))
    deliveries = stripe.take_deliveries()
    with no_connection_left():
        answer = deliver(deliveries[0])
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "5")
    assert not WebhookEvent.objects.exists()
    assert {deliver(delivery).status_code for delivery in deliveries} == {200}
    processor.drain()
    assert buying.balance(buyer) == "100.00"


def test_nobody_is_told_of_a_bug_who_signs_in_meanwhile(stripe: Sandbox) -> None:
    user = make_user()
    with no_connection_left():
        body = {"email": user.email, "password": PASSWORD}
        answer = Client().post("/_allauth/app/v1/auth/login", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@contextmanager
def dying_over_the_next_job(connections: int) -> Iterator[None]:
    """Have so many connections be ended, as in a crash, in the middle of the statement that enqueues a job."""
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE SEQUENCE deaths;
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF nextval('deaths') <= {connections} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
              RETURN NEW;
            END $$;
            CREATE TRIGGER die BEFORE INSERT ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION die()""")
    try:
        yield
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION die() CASCADE; DROP SEQUENCE deaths")


def test_a_database_that_dies_as_a_job_is_enqueued_is_unavailable_and_nothing_is_written(
    stripe: Sandbox,
) -> None:
    buyer, staff = signed_in(make_user()), signed_in(make_staff("Ines Duarte", *REFUNDING))
    order = buying.buy_credits(stripe, buyer, "100.00")
    url = f"/api/v1/orders/{order['order_id']}/refunds/"
    with dying_over_the_next_job(1):
        answer = staff.post(url, {"reason": "pressed"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert not Refund.objects.exists()
        assert staff.post(url, {"reason": "pressed"}).status_code == 201
    assert Refund.objects.count() == 1
