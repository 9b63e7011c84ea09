"""Two transactions that want the same rows: they take them in one order, and one that lost a race runs again."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest, plan_lines
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.catalog.pricing import priced_items
from estuary.common import clock
from estuary.common.db.transactions import TRIES, retry_transaction
from estuary.orders.place_order import CheckoutOptions
from estuary.payments import client
from estuary.payments.checkout import begin_purchase, create_order
from estuary.payments.refunds.cancellation import cancel_booking
from estuary.payments.settlement import settle
from estuary.payments.settlement.facts import StripeObservation
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import order_of, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def both(*verbs: Callable[[], Any]) -> list[Any]:
    """Run verbs at the same time, each on a connection of its own, and return what each raised, or None."""
    raised: list[Any] = [None] * len(verbs)

    def run(index: int, verb: Callable[[], Any]) -> None:
        try:
            verb()
        except Exception as error:
            raised[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_an_order_that_ends_and_one_that_is_placed_take_credits_and_seats_in_the_same_order(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    ana: Practitioner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    buying.buy_credits(stripe, buyer, "140.00")
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=5)
    package = make_service(
        ServiceType.PACKAGE, ana, holds=[workshop, make_service(ServiceType.SESSION, ana)], usd=15000
    )
    chosen = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    ending = buying.create(
        buyer, service_id=str(package.pk), use_credits=True, scheduling_data={"items": [chosen]}
    )
    intent = client.retrieve_intent(order_of(ending).stripe_payment_intent_id)
    placing = threading.Event()

    def plan_slowly(*args: Any, **kwargs: Any) -> Any:
        placing.set()  # the account is locked; the seat is not yet
        threading.Event().wait(0.5)
        return plan_lines(*args, **kwargs)

    monkeypatch.setattr("estuary.payments.checkout.create_order.plan_lines", plan_slowly)

    def place() -> None:
        create_order.create_order(
            create_order.Purchase(
                user=maya,
                service=workshop,
                currency="usd",
                priced=priced_items(workshop, "usd"),
                options=CheckoutOptions(payment_type="intent"),
                schedule_request=ScheduleRequest(session_id=seat.pk),
                use_credits=True,
            )
        )

    def end() -> None:
        placing.wait()
        settle([StripeObservation(replace(intent, status="canceled"), "evt_canceled")], at=clock.now())

    [placed, ended] = both(place, end)
    assert "transaction_lost_a_race" not in caplog.text
    assert ended is None
    assert type(placed).__name__ == "HeldByYourOrder"  # the seat was this buyer's until a moment ago
    assert status_of(ending) == "canceled"
    stripe.control.cancel(intent.id)
    settle_everything(stripe)


def test_a_changed_order_and_one_of_the_same_address_lock_what_is_counted_before_seats(
    stripe: Sandbox,
    buyer: APIClient,
    other: APIClient,
    ana: Practitioner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=5)
    chosen: dict[str, Any] = {"service_session_id": str(seat.pk)}
    buying.service(buyer, workshop, **chosen)
    rehearsing, create = threading.Event(), create_order.create_order

    def create_slowly(*args: Any) -> Any:
        if connection.in_atomic_block:  # in the rehearsal the seat is locked by now
            rehearsing.set()
            threading.Event().wait(0.5)
        return create(*args)

    monkeypatch.setattr(begin_purchase, "create_order", create_slowly)

    def change() -> None:
        wish = {"service_id": str(workshop.pk), "scheduling_data": chosen}
        buying.create(buyer, **wish, service_data={"note": "another"})

    def place() -> None:
        rehearsing.wait()
        buying.service(other, workshop, **chosen)

    assert both(change, place) == [None, None]
    assert "transaction_lost_a_race" not in caplog.text
    seat.refresh_from_db()
    assert seat.taken == 2
    settle_everything(stripe)


def test_a_cancellation_locks_the_credits_of_its_buyer_before_any_booking_or_seat(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    workshop = make_service(ServiceType.WORKSHOP, ana, usd=4000)
    [seat] = make_sessions(workshop)
    buying.create(
        buyer,
        service_id=str(workshop.pk),
        use_credits=True,
        scheduling_data={"service_session_id": str(seat.pk)},
    )
    with CaptureQueriesContext(connection) as queries:
        refund = cancel_booking(booking=Booking.objects.get(), by=maya)
    assert refund is not None
    locked = [
        table
        for query in queries
        if "FOR NO KEY UPDATE" in query["sql"]
        for table in re.findall(r'FROM "(\w+)"', query["sql"])[:1]
    ]
    order_of_locks = list(dict.fromkeys(locked))
    assert order_of_locks == [
        "orders_order",
        "credits_creditaccount",
        "catalog_servicesession",
        "bookings_booking",
    ]
    assert buying.balance(buyer) == "40.00"


def test_a_transaction_that_postgresql_gave_up_is_run_again(
    transactional_db: None, ana: Practitioner
) -> None:
    first, second = make_sessions(make_service(ServiceType.WORKSHOP, ana), 2)
    meet = threading.Barrier(2, timeout=10)
    runs: list[str] = []

    @retry_transaction
    def take(name: str, *sessions: ServiceSession) -> None:
        runs.append(name)
        with transaction.atomic():
            ServiceSession.objects.filter(pk=sessions[0].pk).update(taken=1)
            if runs.count(name) == 1:
                meet.wait()  # each has one row and wants the other's
            ServiceSession.objects.filter(pk=sessions[1].pk).update(taken=1)

    assert both(lambda: take("a", first, second), lambda: take("b", second, first)) == [None, None]
    # The one that is given up may meet the other once more before that one has committed.
    assert set(runs) == {"a", "b"}
    assert len(runs) in (3, 4)
    assert list(ServiceSession.objects.values_list("taken", flat=True)) == [1, 1]
    ServiceSession.objects.update(taken=0)


def test_a_transaction_is_not_run_again_for_ever_nor_inside_another(transactional_db: None) -> None:
    runs: list[int] = []

    @retry_transaction
    def lose() -> None:
        runs.append(1)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")

    with pytest.raises(OperationalError):
        lose()
    assert len(runs) == TRIES
    with pytest.raises(OperationalError), transaction.atomic():
        lose()
    assert len(runs) == TRIES + 1
