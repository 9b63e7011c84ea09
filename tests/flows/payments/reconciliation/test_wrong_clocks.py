"""Two schedulers, clocks that are days off, jobs that are lost or run twice: the rows are the truth, and stay it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments import tasks
from estuary.payments.inbox import leases, processor
from estuary.payments.models import PaymentMethod, Refund, SentMail, SyncCursor, WebhookEvent
from stripe_sandbox import Sandbox
from tests.database_state import contents
from tests.factories import make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import CREATE, METHODS, pay, pay_only, posts, status_of
from tests.flows.payments.reconciliation.test_orphans import all_is_well, sweep_for
from tests.flows.test_crowds import all_at_once
from tests.sandbox_bridge import forget_jobs, post_all, post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

OFF = pytest.mark.parametrize("off", [timedelta(days=3), timedelta(days=-3)], ids=["ahead", "behind"])
EVERY_TASK: list[Callable[[int], None]] = [
    tasks.expire_orders,
    tasks.sweep_minute,
    tasks.close_past_bookings,
    tasks.ask_stripe,
    tasks.ask_stripe_far_back,
]


def at(moment: timedelta) -> Any:
    return time_machine.travel(clock.now() + moment, tick=True)


def a_busy_house(stripe: Sandbox, ana: Practitioner, staff: APIClient) -> dict[str, buying.Json]:
    """Something of everything that a scheduler looks after, all of it due, and no event ever told of it."""
    buyers = [signed_in(make_user(f"Buyer{number} Due")) for number in range(4)]
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=3)
    orders = {
        "unpaid": buying.service(buyers[0], workshop, service_session_id=str(seat.pk)),
        "paid": buying.service(buyers[1], workshop, service_session_id=str(seat.pk)),
        "on a page": buying.credits(buyers[2], "40.00", payment_type="checkout"),
        "refunded": buying.buy_credits(stripe, buyers[3], "50.00"),
    }
    for name in ("paid", "on a page"):
        pay_only(stripe, orders[name])
    stripe.faults.add("timeout_before", "POST /v1/refunds")
    assert buying.refund(staff, orders["refunded"], amount="20.00")["status"] == "requested"
    [card] = buying.cards(buyers[3])
    assert buyers[3].delete(f"{METHODS}{card['id']}/").status_code == 204
    stripe.faults.clear()
    stripe.control.lose_events()
    forget_jobs()
    return orders


def assert_all_is_done_once(stripe: Sandbox, orders: dict[str, buying.Json]) -> None:
    ends = {name: status_of(one) for name, one in orders.items()}
    assert ends == {
        "unpaid": "canceled",
        "paid": "completed",
        "on a page": "completed",
        "refunded": "partially_refunded",
    }
    assert sorted(CreditTransaction.objects.values_list("amount_minor", flat=True)) == [-2_000, 4_000, 5_000]
    assert [refund["amount"] for refund in stripe.state.store.refunds] == [2_000]
    assert not PaymentMethod.objects.filter(detach_pending=True).exists()


def test_two_schedulers_at_once_do_everything_once(
    stripe: Sandbox, ana: Practitioner, staff: APIClient
) -> None:
    orders = a_busy_house(stripe, ana, staff)
    with at(timedelta(minutes=16)):
        for task in EVERY_TASK:
            all_at_once([lambda task=task: task(0)] * 2)  # type: ignore[misc]
        all_at_once([processor.drain, processor.drain])
    with at(timedelta(minutes=31)):
        settle_everything(stripe)
        for task in EVERY_TASK:
            all_at_once([lambda task=task: task(0)] * 2)  # type: ignore[misc]
        settle_everything(stripe)
        assert_all_is_done_once(stripe, orders)
    all_is_well(timedelta(minutes=47))


@OFF
@pytest.mark.parametrize("down", [False, True], ids=["Stripe answers", "Stripe is down"])
def test_a_worker_whose_clock_was_days_off_did_no_harm_and_all_is_healed_once_it_is_right(
    stripe: Sandbox, ana: Practitioner, staff: APIClient, off: timedelta, down: bool
) -> None:
    sweep_for(0)
    orders = a_busy_house(stripe, ana, staff)
    if down:
        stripe.faults.add("error_before", "*", times=None)
    with at(off):
        for task in EVERY_TASK:
            task(0)
    stripe.faults.clear()
    late = buying.credits(signed_in(make_user("Nora New")), "25.00")  # made while the clock is still wrong
    pay_only(stripe, late)
    stripe.control.refund(orders["paid"]["payment_intent_id"], 1_000)
    stripe.control.lose_events()
    with at(timedelta(hours=3)):  # only now is the clock put right
        sweep_for(15)
        assert status_of(late) == "completed"
        assert status_of(orders["unpaid"]) == "canceled"
        assert status_of(orders["paid"]) == "partially_refunded"
        assert Refund.objects.filter(status="requested").count() == 0
        all_is_well()
        assert not SyncCursor.objects.filter(looked_until__gt=clock.now() + timedelta(minutes=20)).exists()


@OFF
def test_a_web_server_whose_clock_is_days_off_believes_no_event_and_loses_none(
    stripe: Sandbox, buyer: APIClient, off: timedelta
) -> None:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    with at(off):
        assert {post_event(delivery) for delivery in deliveries} == {400}
    assert not WebhookEvent.objects.exists()
    assert {post_event(delivery) for delivery in deliveries} == {200}  # Stripe tries again
    processor.drain()
    assert (status_of(order), buying.balance(buyer)) == ("completed", "50.00")


@OFF
def test_an_order_placed_by_a_clock_that_is_days_off_is_paid_and_handed_over(
    stripe: Sandbox, maya: User, off: timedelta
) -> None:
    with at(off):
        order = buying.credits(signed_in(maya), "50.00")
    pay_only(stripe, order)
    stripe.control.lose_events()
    sweep_for(15)
    assert (status_of(order), buying.balance(signed_in(maya))) == ("completed", "50.00")
    all_is_well()


def test_events_that_a_clock_ahead_has_put_off_wait_no_longer_than_any_other(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    post_all(stripe)
    with at(timedelta(days=3)):
        assert leases.claim_events(100)  # and the worker dies with them
    assert processor.drain() == 0
    tasks.sweep_minute(0)
    while processor.drain():
        continue
    assert status_of(order) == "completed"


# --- Jobs ---------------------------------------------------------------------------------------------------


def test_what_lost_jobs_left_undone_the_sweep_does(
    stripe: Sandbox, ana: Practitioner, staff: APIClient
) -> None:
    orders = a_busy_house(stripe, ana, staff)  # no job of it is left
    sweep_for(0)
    with at(timedelta(minutes=16)):
        sweep_for(15)
        assert_all_is_done_once(stripe, orders)
        all_is_well()


def test_a_mail_that_is_sent_twice_changes_nothing_else(
    stripe: Sandbox, buyer: APIClient, maya: User, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    purchase = buying.buy_credits(stripe, buyer, "50.00")
    order = buying.order_of(purchase)
    before, [first] = contents(), mailoutbox
    tasks.send_mail(order.pk, "completed", SentMail.objects.get().key)
    assert (contents(), len(mailoutbox)) == (before, 1)
    tasks.send_mail(order.pk, "completed")  # as the release before has enqueued it
    tasks.alert_staff("a_code", "Something to tell.")
    tasks.alert_staff("a_code", "Something to tell.")
    assert contents() | {"payments_sentmail": before["payments_sentmail"]} == before
    again = [mail for mail in mailoutbox[1:] if mail.to == [maya.email]]
    assert [(mail.subject, mail.body) for mail in again] == [(first.subject, first.body)]


def test_every_job_that_runs_twice_does_its_work_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.faults.add("timeout_after", "POST /v1/refunds")
    buying.refund(staff, order, amount="20.00")
    [card] = buying.cards(buyer)
    buyer.delete(f"{METHODS}{card['id']}/")
    refund = Refund.objects.get()
    for _ in range(3):
        tasks.send_refund(refund.pk)
        tasks.detach_card(card["stripe_payment_method_id"])
        tasks.end_open_payments(refund.order.user_id)
    settle_everything(stripe)
    assert (len(stripe.state.store.refunds), buying.balance(buyer)) == (1, "30.00")


# --- Transactions that PostgreSQL gives up --------------------------------------------------------------------


class GivesUp:
    """PostgreSQL gives up the transaction of every statement that a text is in, as often as it is told to."""

    def __init__(self, text: str, sqlstate: str, times: int) -> None:
        self.text, self.sqlstate, self.times = text, sqlstate, times

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.text in sql and self.times > 0:
            self.times -= 1
            sql, params = (
                f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{self.sqlstate}'; END $$",
                None,
            )
        return execute(sql, params, many, context)


STATES = pytest.mark.parametrize("sqlstate", ["40P01", "40001"], ids=["deadlock", "serialization failure"])


@STATES
def test_a_purchase_that_loses_a_race_in_the_database_is_made_all_the_same(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, sqlstate: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    lost = GivesUp('UPDATE "catalog_servicesession"', sqlstate, times=2)
    with connection.execute_wrapper(lost):
        order = buying.service(buyer, workshop, service_session_id=str(seat.pk))
    assert lost.times == 0
    pay(stripe, order)
    seat.refresh_from_db()
    assert (status_of(order), seat.taken, Order.objects.count()) == ("completed", 1, 1)


@STATES
def test_a_purchase_that_loses_every_race_is_a_503_and_nothing_is_written(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, sqlstate: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=1)
    body = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(seat.pk)}}
    with connection.execute_wrapper(GivesUp('UPDATE "catalog_servicesession"', sqlstate, times=99)):
        answer = buyer.post(CREATE, body)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert (Order.objects.count(), stripe.requests) == (0, [])
    assert buying.create(buyer, **body)["status"] == "pending"


@STATES
def test_events_whose_transaction_is_given_up_are_settled_all_the_same(
    stripe: Sandbox, buyer: APIClient, sqlstate: str
) -> None:
    order = buying.credits(buyer, "50.00")
    pay_only(stripe, order)
    post_all(stripe)
    lost = GivesUp("UPDATE orders_order", sqlstate, times=2)
    with connection.execute_wrapper(lost):
        processor.drain()
    assert lost.times == 0
    settle_everything(stripe)
    assert (status_of(order), CreditTransaction.objects.count()) == ("completed", 1)


def test_a_refund_whose_commit_is_lost_was_never_asked_for(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is committed with its row: neither is there without the other, and Stripe hears of neither."""
    order = buying.buy_credits(stripe, buyer, "50.00")
    staff.raise_request_exception = False

    def lost(*_: Any, **__: Any) -> Any:
        raise OperationalError("the connection to the server was lost")

    with monkeypatch.context() as dying:
        dying.setattr("estuary.payments.refunds.request_refund.audit.record", lost)
        answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {"amount": "20.00"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (Refund.objects.count(), run_jobs(), posts(stripe, "/v1/refunds")) == (0, 0, [])
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    assert buying.balance(buyer) == "30.00"
