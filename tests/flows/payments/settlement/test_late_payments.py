"""Payments that a bank works on for days: handed over in time, returned when too late, and no seat is kept for ever."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.english_times import describe_moment, describe_utc
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order
from estuary.payments import tasks
from estuary.payments.doctor import RULES
from estuary.payments.doctor.runner import run_checks
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import (
    a_free_slot,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.flows.buying import Json, detail, order_of, pay_only, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BANK = {"method": "us_bank_account"}
PAYMENT_TYPES = pytest.mark.parametrize("payment_type", ["intent", "checkout"])


def at(moment: datetime) -> AbstractContextManager[object]:
    return time_machine.travel(moment, tick=True)


def breaches() -> set[str]:
    return {breach.code for breach in run_checks(RULES, at=clock.now()).violations}


def balance_minor() -> int:
    return sum(CreditAccount.objects.values_list("balance_minor", flat=True))


def subjects() -> list[str]:
    return [message.subject.partition(" for The ")[0] for message in mail.outbox]


def intent_of(stripe: Sandbox, purchase: Json) -> str:
    order = order_of(purchase)
    if order.stripe_payment_intent_id:
        return order.stripe_payment_intent_id
    page = stripe.state.store.checkout_sessions.get(order.stripe_checkout_session_id)
    assert page
    return str(page["payment_intent"])


def ask(stripe: Sandbox) -> None:
    """Lose the news, and let the worker do by itself all that it does by the clock."""
    stripe.control.lose_events()
    overdue.expire_orders()
    overdue.end_unanswered_orders()
    Order.objects.update(next_fetch_at=None, next_close_at=None)
    overdue.sync_open_orders()
    overdue.close_open_payments()
    settle_everything(stripe)


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    """One seat, in two days."""
    return make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=1, in_days=2)[0]


def begin_debit(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession, payment_type: str = "intent", **body: object
) -> Json:
    order = buying.create(
        buyer,
        service_id=str(seat.service_id),
        scheduling_data={"service_session_id": str(seat.pk)},
        payment_type=payment_type,
        save_payment_method=False,
        **body,
    )
    pay_only(stripe, order, **BANK)
    settle_everything(stripe)
    assert status_of(order) == "processing"
    return order


@PAYMENT_TYPES
def test_the_buyer_knows_until_when_the_seat_is_kept(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, workshop: ServiceSession, payment_type: str
) -> None:
    soon = begin_debit(stripe, buyer, workshop, payment_type)
    assert detail(buyer, soon)["kept_until"] == f"{workshop.starts_at:%Y-%m-%dT%H:%M:%SZ}"
    assert describe_moment(workshop.starts_at, ana.zone) in mail.outbox[0].body
    [later] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=60)
    far = begin_debit(stripe, buyer, later, payment_type)
    kept_until = order_of(far).kept_until
    assert kept_until and abs(kept_until - clock.now() - timedelta(days=7)) < timedelta(minutes=5)
    credit = buying.credits(buyer, save_payment_method=False)
    pay_only(stripe, credit, **BANK)
    settle_everything(stripe)
    assert (status_of(credit), detail(buyer, credit)["kept_until"]) == ("processing", None)
    assert subjects() == ["Your payment"] * 2 + ["Your payment for Credits is on its way"]


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("heard", ["by event", "by asking"])
@pytest.mark.parametrize("paid", ["before the start", "after the start"])
@PAYMENT_TYPES
def test_what_had_begun_when_the_money_came_goes_back_in_full_and_what_had_not_is_handed_over(
    stripe: Sandbox, buyer: APIClient, workshop: ServiceSession, payment_type: str, paid: str, heard: str
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    order = begin_debit(stripe, buyer, workshop, payment_type, use_credits=True)
    mail.outbox.clear()
    minutes = -5 if paid == "before the start" else 5
    with at(workshop.starts_at + timedelta(minutes=minutes)):
        stripe.control.settle(intent_of(stripe, order))
    with at(workshop.starts_at + timedelta(hours=1)):
        if heard == "by event":
            settle_everything(stripe)
        else:
            ask(stripe)
        workshop.refresh_from_db()
        if paid == "before the start":
            assert (status_of(order), workshop.taken, Booking.objects.count()) == ("completed", 1, 1)
            assert (balance_minor(), len(mail.outbox)) == (0, 1)
        else:
            assert (status_of(order), workshop.taken, Booking.objects.count()) == ("refunded", 0, 0)
            assert Refund.objects.get().card_minor == order_of(order).captured_minor == 7000
            assert balance_minor() == 3000
            bodies = [message.body for message in mail.outbox]
            assert any("sending all of it back" in body for body in bodies), bodies
        assert not order_of(order).payment_open


def test_a_card_charged_before_the_start_is_handed_over_however_late_it_is_settled(
    stripe: Sandbox, maya: User, workshop: ServiceSession
) -> None:
    for lose in (False, True):
        seat = workshop if not lose else make_sessions(workshop.service, in_days=3)[0]
        with at(seat.starts_at - timedelta(minutes=2)):
            wish = {"service_session_id": str(seat.pk)}
            order = buying.service(signed_in(maya), workshop.service, **wish)
            pay_only(stripe, order)
        with at(seat.starts_at + timedelta(hours=1)):
            if lose:
                ask(stripe)
            settle_everything(stripe)
            assert (status_of(order), Refund.objects.count()) == ("completed", 0)


def test_nobody_is_charged_for_what_began_while_the_form_was_open(
    stripe: Sandbox, maya: User, workshop: ServiceSession
) -> None:
    with at(workshop.starts_at - timedelta(minutes=2)):
        order = buying.service(signed_in(maya), workshop.service, service_session_id=str(workshop.pk))
        assert order_of(order).expires_at == workshop.starts_at
    with at(workshop.starts_at + timedelta(seconds=20)):
        assert overdue.expire_orders() == 1
        assert status_of(order) == "canceled"


@pytest.mark.parametrize("heard", ["by event", "by asking"])
@PAYMENT_TYPES
def test_what_the_bank_refuses_is_freed_and_told(
    stripe: Sandbox, buyer: APIClient, workshop: ServiceSession, payment_type: str, heard: str
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    order = begin_debit(stripe, buyer, workshop, payment_type, use_credits=True)
    mail.outbox.clear()
    with at(clock.now() + timedelta(days=1)):
        stripe.control.fail_settlement(intent_of(stripe, order))
        settle_everything(stripe) if heard == "by event" else ask(stripe)
        workshop.refresh_from_db()
        assert (status_of(order), workshop.taken) == ("canceled", 0)
        assert balance_minor() == 3000
        assert [message.subject.rpartition(" ")[2] for message in mail.outbox] == ["through"]
        overdue.close_open_payments()
        assert not order_of(order).payment_open
        if payment_type == "intent":
            intent = stripe.state.store.payment_intents.get(intent_of(stripe, order))
            assert intent and intent["status"] == "canceled"


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("then", ["arrives", "arrives unheard", "fails", "fails unheard"])
@PAYMENT_TYPES
def test_a_seat_is_kept_until_its_date_and_then_sold_to_others(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, payment_type: str, then: str
) -> None:
    [seat] = make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=1, in_days=30)
    order = begin_debit(stripe, buyer, seat, payment_type)
    wish = {"service_id": str(seat.service_id), "scheduling_data": {"service_session_id": str(seat.pk)}}
    buying.refused(other, 409, "sold_out", **wish)
    with at(clock.now() + timedelta(days=6, hours=23)):
        assert overdue.end_unanswered_orders() == 0
    with at(clock.now() + timedelta(days=7, hours=1)):
        mail.outbox.clear()
        assert "kept_too_long" in breaches()
        assert overdue.end_unanswered_orders() == 1
        settle_everything(stripe)
        assert (status_of(order), order_of(order).cancel_reason) == ("canceled", "bank_too_late")
        assert "send all of it back" in mail.outbox[0].body
        taken = buying.create(signed_in(make_user("Tom Achterberg")), **wish)
        buying.pay(stripe, taken)
        assert status_of(taken) == "completed"
        mail.outbox.clear()
        (stripe.control.settle if "arrives" in then else stripe.control.fail_settlement)(
            intent_of(stripe, order)
        )
        if "unheard" in then:
            ask(stripe)
        settle_everything(stripe)
        if "arrives" in then:
            assert (status_of(order), Refund.objects.get().card_minor) == ("refunded", 10_000)
            assert len(mail.outbox) == 2
        else:
            Order.objects.update(next_close_at=None)  # its turn comes within ten minutes
            overdue.close_open_payments()
            assert (status_of(order), Refund.objects.count()) == ("canceled", 0)
        assert not order_of(order).payment_open
        seat.refresh_from_db()
        assert seat.taken == 1


def test_money_that_came_in_time_unheard_is_handed_over_when_the_date_comes(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    [seat] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=30)
    order = begin_debit(stripe, buyer, seat)
    with at(clock.now() + timedelta(days=3)):
        stripe.control.settle(intent_of(stripe, order))
        stripe.control.lose_events()
    with at(clock.now() + timedelta(days=8)):
        overdue.end_unanswered_orders()
        assert status_of(order) == "completed"


@PAYMENT_TYPES
def test_another_date_may_be_bought_meanwhile_and_the_same_one_is_refused(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, payment_type: str
) -> None:
    service = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(service, 2)
    order = begin_debit(stripe, buyer, first, payment_type)
    body = {"service_id": str(service.pk), "scheduling_data": {"service_session_id": str(first.pk)}}
    problem = buying.refused(buyer, 409, "payment_processing", **body, payment_type=payment_type)
    assert problem["order_id"] == order["order_id"]
    buying.refused(buyer, 409, "payment_processing", **body, service_data={"note": "once more"})
    another = buying.service(buyer, service, service_session_id=str(second.pk))
    buying.pay(stripe, another)
    assert (status_of(order), status_of(another)) == ("processing", "completed")
    buying.refused(buyer, 409, "payment_processing", **body)
    stripe.control.fail_settlement(intent_of(stripe, order))
    settle_everything(stripe)
    again = buying.create(buyer, **body)
    buying.pay(stripe, again)
    assert status_of(again) == "completed"


def test_a_debit_that_fails_beside_an_unpaid_order_for_another_date_leaves_that_one_alone(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    service = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(service, 2)
    order = begin_debit(stripe, buyer, first)
    another = buying.service(buyer, service, service_session_id=str(second.pk))
    stripe.control.fail_settlement(intent_of(stripe, order))
    settle_everything(stripe)
    assert (status_of(order), status_of(another)) == ("canceled", "pending")
    buying.pay(stripe, another)
    assert status_of(another) == "completed"


def test_a_bank_at_work_unnoticed_does_not_keep_its_buyer_from_another_date(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    service = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(service, 2)
    order = buying.service(buyer, service, service_session_id=str(first.pk))
    pay_only(stripe, order, **BANK)
    stripe.control.lose_events()
    another = buying.service(buyer, service, service_session_id=str(second.pk))
    assert (status_of(order), status_of(another)) == ("processing", "pending")


def test_the_same_time_by_another_way_is_refused_in_words_that_fit(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=3, validity_days=90)
    slot = a_free_slot(session).isoformat()
    order = buying.service(buyer, session, start_datetime=slot)
    pay_only(stripe, order, **BANK)
    settle_everything(stripe)
    body = {"service_id": str(bundle.pk), "scheduling_data": {"items": [{"start_datetime": slot}]}}
    problem = buying.refused(buyer, 409, "held_by_your_order", **body)
    assert problem["order_id"] == order["order_id"] and "need not pay again" in problem["detail"]
    another = a_free_slot(session, nth=3).isoformat()
    assert buying.service(buyer, session, start_datetime=another)["status"] == "pending"
    body = {"service_id": str(session.pk), "scheduling_data": {"start_datetime": slot}}
    buying.refused(buyer, 409, "payment_processing", **body)


def test_an_order_without_a_date_from_before_is_given_one(
    stripe: Sandbox, buyer: APIClient, workshop: ServiceSession
) -> None:
    order = begin_debit(stripe, buyer, workshop)
    Order.objects.update(kept_until=None, created_at=F("created_at") - timedelta(days=1))
    assert "kept_too_long" in breaches()
    mail.outbox.clear()
    assert overdue.end_unanswered_orders() == 0
    settle_everything(stripe)
    assert order_of(order).kept_until == workshop.starts_at
    assert len(mail.outbox) == 1


def test_a_payment_of_a_page_that_was_only_listed_is_judged_by_its_own_time(
    stripe: Sandbox, buyer: APIClient, workshop: ServiceSession
) -> None:
    order = begin_debit(stripe, buyer, workshop, "checkout")
    with at(workshop.starts_at - timedelta(minutes=5)):
        stripe.control.settle(intent_of(stripe, order))
        stripe.control.lose_events()
    with at(workshop.starts_at + timedelta(minutes=30)):
        tasks.ask_stripe(0)
        assert status_of(order) == "completed"


def test_an_order_at_its_bank_is_not_canceled_and_says_when_it_ends(
    stripe: Sandbox, buyer: APIClient, workshop: ServiceSession, maya: User
) -> None:
    order = begin_debit(stripe, buyer, workshop)
    problem = buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/").json()
    assert problem["code"] == "order_not_cancelable"
    assert describe_utc(workshop.starts_at) in problem["detail"]
