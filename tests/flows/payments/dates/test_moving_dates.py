"""A date is moved with all its guests; who can't come to the new time gets everything back."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import OrderTransition
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, buy, make_service, make_sessions, make_user
from tests.flows import buying
from tests.flows.payments.dates.acting import (
    MIXED,
    act,
    buy_seat,
    guests,
    host,
    move_url,
    preview,
    progress,
    refusal,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def later(session: ServiceSession, **by: int) -> str:
    return (session.starts_at + timedelta(**by)).isoformat()


def test_all_guests_move_with_their_date_and_are_told(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, mailoutbox: list[EmailMessage]
) -> None:
    bought = guests(stripe, workshop, 4)
    mailoutbox.clear()
    new = later(workshop, days=1)
    me = host(ana)
    shown = preview(me, move_url(workshop), start_datetime=new)
    assert {(row["act"], row["amount"]) for row in shown["rows"]} == {("move", "0.00")}
    change = act(me, move_url(workshop), start_datetime=new, message="The hall is free a day later.")
    settle_everything(stripe)
    assert progress(me, change)["status"] == "done"
    workshop.refresh_from_db()
    assert workshop.starts_at.isoformat() == new
    assert workshop.ends_at - workshop.starts_at == timedelta(hours=2)
    for buyer, _, _ in bought:
        [booking] = buying.bookings(buyer)
        [seat] = booking["sessions"]
        assert seat["start_datetime"] == booking["start_datetime"] == booking["decline_until"]
        assert seat["moved_from_datetime"] == (workshop.starts_at - timedelta(days=1)).isoformat().replace(
            "+00:00", "Z"
        )
    moved = [mail for mail in mailoutbox if mail.subject == "Breathwork has been moved to a new time"]
    assert len(moved) == 4
    assert all("The hall is free a day later." in str(mail.body) for mail in moved)
    assert not Refund.objects.exists()


def test_who_can_not_come_is_refunded_in_full_even_after_the_usual_deadline(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    service = make_service(ServiceType.WORKSHOP, ana, free_cancel_hours=24 * 30)
    [session] = make_sessions(service)
    order = buy_seat(stripe, buyer, session, MIXED)
    act(host(ana), move_url(session), start_datetime=later(session, hours=3))
    settle_everything(stripe)
    [booking] = buying.bookings(buyer)
    url = f"/api/v1/bookings/{booking['id']}/decline/"
    assert buyer.get(url).json() == {"returned": "100.00", "currency": "usd"}
    answer = buyer.post(url)
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["status"], answer.json()["refund"]["amount"]) == ("canceled", "100.00")
    settle_everything(stripe)
    assert (buying.status_of(order), buying.balance(buyer)) == ("refunded", "30.00")
    assert refusal(buyer.post(url)) == (409, "not_moved")
    assert not Participant.objects.filter(active=True).exists()


def test_a_date_that_was_not_moved_can_not_be_declined(
    stripe: Sandbox, workshop: ServiceSession, buyer: APIClient, other: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    [booking] = buying.bookings(buyer)
    assert booking["decline_until"] is None
    url = f"/api/v1/bookings/{booking['id']}/decline/"
    assert refusal(buyer.get(url)) == refusal(buyer.post(url)) == (409, "not_moved")
    assert other.post(url).status_code == 404


def test_once_the_new_time_and_a_day_have_come_nothing_can_be_declined(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    act(host(ana), move_url(workshop), start_datetime=later(workshop, hours=3))
    settle_everything(stripe)
    past = clock.now() - timedelta(minutes=1)
    workshop.refresh_from_db()
    workshop.starts_at = past
    workshop.save()
    Booking.objects.update(starts_at=past)
    Participant.objects.update(moved_at=past - timedelta(hours=24))
    [booking] = buying.bookings(buyer)
    assert booking["decline_until"] is None
    assert refusal(buyer.post(f"/api/v1/bookings/{booking['id']}/decline/")) == (409, "not_moved")


def test_a_disputed_payment_can_not_be_declined_for_money_and_keeps_its_seat(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    act(host(ana), move_url(workshop), start_datetime=later(workshop, hours=3))
    stripe.control.dispute(order["payment_intent_id"])
    settle_everything(stripe)
    [booking] = buying.bookings(buyer)
    assert refusal(buyer.post(f"/api/v1/bookings/{booking['id']}/decline/")) == (409, "charge_disputed")
    assert Participant.objects.filter(active=True).count() == 1


def test_an_unpaid_order_for_the_old_time_ends(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    change = act(host(ana), move_url(workshop), start_datetime=later(workshop, hours=3))
    settle_everything(stripe)
    assert buying.status_of(order) == "canceled"
    assert progress(host(ana), change)["status"] == "done"


def test_a_guest_who_pays_while_the_date_moves_has_the_new_time_and_may_decline(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
) -> None:
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    act(host(ana), move_url(workshop), start_datetime=later(workshop, hours=3))
    buying.pay(stripe, order)
    [booking] = buying.bookings(buyer)
    assert booking["start_datetime"] == booking["decline_until"]
    assert buying.status_of(order) == "completed"
    assert "Breathwork has been moved to a new time" in [mail.subject for mail in mailoutbox]


def test_a_payment_at_its_bank_moves_with_its_date(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    purchase = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    stripe.control.confirm(purchase["payment_intent_id"], method="us_bank_account")
    settle_everything(stripe)
    act(host(ana), move_url(workshop), start_datetime=later(workshop, days=-3))
    settle_everything(stripe)
    workshop.refresh_from_db()
    order = buying.order_of(purchase)
    assert order.status == "processing"
    assert order.kept_until is not None
    assert order.kept_until <= workshop.starts_at
    stripe.control.settle(purchase["payment_intent_id"])
    settle_everything(stripe)
    [booking] = buying.bookings(buyer)
    assert booking["start_datetime"] == booking["decline_until"]


@pytest.mark.parametrize("days", [-1, 2, 30])
def test_a_place_is_kept_for_the_bank_until_the_new_time_or_as_long_as_any(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
    days: int,
) -> None:
    """It is held for seven days, and until the date begins at most; the buyer is told until when."""
    starts_at = clock.now() + timedelta(days=3)
    ends_at = starts_at + (workshop.ends_at - workshop.starts_at)
    ServiceSession.objects.filter(pk=workshop.pk).update(starts_at=starts_at, ends_at=ends_at)
    workshop.refresh_from_db()
    purchase = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    stripe.control.confirm(purchase["payment_intent_id"], method="us_bank_account")
    settle_everything(stripe)
    assert buying.order_of(purchase).kept_until == workshop.starts_at
    at_bank = OrderTransition.objects.get(order__public_id=purchase["order_id"], after="processing").at
    mailoutbox.clear()
    act(host(ana), move_url(workshop), start_datetime=later(workshop, days=days))
    settle_everything(stripe)
    workshop.refresh_from_db()
    order = buying.order_of(purchase)
    bodies = [mail.body for mail in mailoutbox if mail.to == [order.user.email]]
    assert ["We keep your place until" in body for body in bodies] == [True]
    assert order.kept_until == min(workshop.starts_at, at_bank + settings.BANK_HOLD)
    with time_machine.travel(at_bank + timedelta(days=4 if days > 0 else 1), tick=True):
        overdue.end_unanswered_orders()
        stripe.control.settle(purchase["payment_intent_id"])
        settle_everything(stripe)
    assert buying.status_of(purchase) == "completed"


def test_a_course_whose_meeting_moves_can_be_declined_as_a_whole_until_it_begins(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    meetings = make_sessions(course, 3)
    order = buying.service(buyer, course)
    buying.pay(stripe, order)
    act(host(ana), move_url(meetings[2]), start_datetime=later(meetings[2], days=2))
    settle_everything(stripe)
    booking = Booking.objects.get()
    assert booking.ends_at == meetings[2].ends_at + timedelta(days=2)
    assert buyer.post(f"/api/v1/bookings/{booking.pk}/decline/").json()["refund"]["amount"] == "100.00"
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"


def test_a_date_can_not_move_onto_another_date_or_booking_of_its_practitioner(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    [other_date] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=12)
    lesson = make_service(ServiceType.SESSION, ana)
    slot = a_free_slot(lesson)
    buying.pay(stripe, buying.service(buyer, lesson, start_datetime=slot.isoformat()))
    me = host(ana)
    for taken in (other_date.starts_at + timedelta(minutes=30), slot):
        body = {"start_datetime": taken.isoformat(), "preview_id": "prv_1"}
        assert refusal(me.get(move_url(workshop), body)) == (409, "practitioner_taken")
        assert refusal(me.post(move_url(workshop), body)) == (409, "practitioner_taken")
    before = workshop.starts_at
    workshop.refresh_from_db()
    assert workshop.starts_at == before


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ({"start_datetime": "2026-01-01T10:00:00Z"}, "slot_in_past"),
        ({"start_datetime": "2100-12-31T10:00:00Z"}, "invalid_request"),
        (
            {"start_datetime": "2090-01-01T10:00:00Z", "end_datetime": "2090-01-01T09:00:00Z"},
            "invalid_request",
        ),
        (
            {"start_datetime": "2090-01-01T10:00:00Z", "end_datetime": "2090-03-01T09:00:00Z"},
            "invalid_request",
        ),
        ({"start_datetime": "tomorrow"}, "invalid_request"),
        ({"start_datetime": "2090-01-01T10:00:00"}, "invalid_request"),
        ({}, "invalid_request"),
    ],
)
def test_a_time_that_is_past_or_beyond_sense_is_refused(
    ana: Practitioner, workshop: ServiceSession, new: dict[str, str], code: str
) -> None:
    me = host(ana)
    assert refusal(me.get(move_url(workshop), new)) == (400, code)
    assert refusal(me.post(move_url(workshop), {**new, "preview_id": "prv_1"})) == (400, code)


def test_its_own_time_is_no_new_time(ana: Practitioner, workshop: ServiceSession) -> None:
    body = {"start_datetime": workshop.starts_at.isoformat()}
    assert refusal(host(ana).get(move_url(workshop), body)) == (400, "invalid_request")


def test_what_has_begun_or_was_called_off_can_not_be_moved(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    me = host(ana)
    body = {"start_datetime": "2090-01-01T10:00:00Z"}
    [started] = make_sessions(workshop.service, in_days=-1)
    assert refusal(me.get(move_url(started), body)) == (409, "date_begun")
    act(me, f"/api/v1/roster/sessions/{workshop.pk}/call-off/")
    assert refusal(me.get(move_url(workshop), body)) == (409, "already_called_off")


def test_a_date_moves_to_and_fro(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    me, there = host(ana), later(workshop, hours=3)
    back = workshop.starts_at.isoformat()
    changes = [act(me, move_url(workshop), start_datetime=new)["change_id"] for new in (there, back, there)]
    assert len(set(changes)) == 3
    workshop.refresh_from_db()
    assert workshop.starts_at.isoformat() == there


def test_a_time_that_was_requested_and_not_held_is_not_taken_at_another_time(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    """A package holds three of its times until it is paid; the fourth moves before that, and is chosen again."""
    workshops = [make_service(ServiceType.WORKSHOP, ana) for _ in range(4)]
    dates = [make_sessions(one, in_days=10 + number)[0] for number, one in enumerate(workshops)]
    package = make_service(ServiceType.PACKAGE, ana, holds=workshops, validity_days=90)
    items = [{"service_id": str(date.service_id), "service_session_id": str(date.pk)} for date in dates]
    order = buying.create(buyer, service_id=str(package.pk), scheduling_data={"items": items})
    act(host(ana), move_url(dates[3]), start_datetime=later(dates[3], days=30))
    buying.pay(stripe, order)
    [shown] = buying.bookings(buyer)
    assert [part["needs_scheduling"] for part in shown["children"]] == [False, False, False, True]


def test_moving_takes_as_many_queries_for_many_guests_as_for_few(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    me = host(ana)
    counts = set()
    for how_many in (2, 12):
        [session] = make_sessions(workshop.service, capacity=50, in_days=20 + how_many)
        for number in range(how_many):
            buy(make_user(f"Guest{number} Row"), session.service, wish=ScheduleRequest(session_id=session.pk))
        new = {"start_datetime": later(session, hours=3)}
        shown = preview(me, move_url(session), **new)
        with CaptureQueriesContext(connection) as queries:
            answer = me.post(move_url(session), {"preview_id": shown["preview_id"], **new})
        assert answer.status_code == 202
        counts.add(len(queries))
    assert len(counts) == 1, counts
