"""The roster of any days: past and coming, with payments, notes, places and how often a guest came."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.bookings.roster.meetings import roster, with_visits
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.orders.models import Order
from tests.factories import (
    a_free_slot,
    buy,
    cancel_booking,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.query_plans import as_if_large, read_whole

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/roster/"


def day_of(moment: datetime, practitioner: Practitioner) -> str:
    return moment.astimezone(practitioner.zone).date().isoformat()


def days(practitioner: Practitioner, first: str, last: str = "") -> list[dict[str, Any]]:
    params = {"first_day": first} | ({"last_day": last} if last else {})
    answer = signed_in(practitioner.user).get(URL, params)
    assert answer.status_code == 200, answer.json()
    return list(answer.json()["results"])


def a_seat(user: User, session: ServiceSession) -> Booking:
    return buy(user, session.service, wish=ScheduleRequest(session_id=session.pk))


def test_a_day_begins_and_ends_at_the_practitioners_midnight(maya: User) -> None:
    far = make_practitioner("Aroha Ngata", time_zone="Pacific/Auckland")
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, far))
    a_seat(maya, session)
    day = day_of(session.starts_at, far)
    assert day != session.starts_at.date().isoformat()
    assert len(days(far, day)) == 1
    # It ends on that day, so the one before does not have it.
    before = (session.starts_at.astimezone(far.zone) - timedelta(days=1)).date().isoformat()
    assert days(far, before) == []
    assert len(days(far, before, day)) == 1


def test_what_is_over_stays_on_the_roster_for_more_than_a_year(maya: User, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    a_seat(maya, session)
    slot = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    Booking.objects.update(status=Booking.Status.COMPLETED)
    assert slot.starts_at is not None
    with time_machine.travel(clock.now() + timedelta(days=400), tick=True):
        [meeting] = days(ana, day_of(session.starts_at, ana))
        assert [guest["name"] for guest in meeting["guests"]] == ["Maya Lindqvist"]
        [meeting] = days(ana, day_of(slot.starts_at, ana))
        assert meeting["guests"][0]["booking_id"] == str(slot.pk)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"last_day": "2026-12-01"}, "first_day"),
        ({"first_day": "2026-12-01", "days": "7"}, "days"),
        ({"first_day": "2026-12-02", "last_day": "2026-12-01"}, "last_day"),
        ({"first_day": "2026-12-01", "last_day": "2027-03-03"}, "last_day"),
        ({"first_day": "1999-12-31"}, "first_day"),
        ({"first_day": "9999-12-31"}, "first_day"),
        ({"first_day": "2026-02-30"}, "first_day"),
        ({"first_day": "2026-12-01T00:00"}, "first_day"),
        ({"first_day": ""}, "first_day"),
        ({"first_day": "2026-12-01", "last_day": ""}, "last_day"),
        ({"days": "93"}, "days"),
    ],
)
def test_days_that_are_none_are_refused_by_the_name_of_the_parameter(
    ana: Practitioner, params: dict[str, str], field: str
) -> None:
    answer = signed_in(ana.user).get(URL, params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert field in answer.json()["errors"]


def test_as_many_days_as_the_document_says_may_be_asked_for(ana: Practitioner) -> None:
    assert days(ana, "2026-12-01", "2027-03-02") == []


def test_how_a_guest_paid_is_told_without_amounts(ana: Practitioner) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    guests = {
        name: a_seat(make_user(f"{name} Guest"), session)
        for name in ("paid", "credits", "disputed", "refunded", "partially_refunded")
    }
    order = {name: Order.objects.filter(pk=booking.order_id) for name, booking in guests.items()}
    order["credits"].update(credits_applied_minor=10_000, amount_due_minor=0, captured_minor=0)
    order["disputed"].update(disputed=True)
    order["refunded"].update(status="refunded")
    Booking.objects.filter(pk=guests["partially_refunded"].pk).update(status="partially_refunded")
    [meeting] = days(ana, day_of(session.starts_at, ana))
    payments = {guest["booking_id"]: (guest["payment"], guest["disputed"]) for guest in meeting["guests"]}
    assert payments == {str(booking.pk): (name, name == "disputed") for name, booking in guests.items()}
    assert (meeting["capacity"], meeting["seats_left"]) == (8, 3)
    assert "amount" not in str(meeting)


def test_earlier_visits_are_counted_with_this_practitioner_alone(maya: User, ana: Practitioner) -> None:
    bruno = make_practitioner("Bruno Costa")
    yoga, other = make_service(ServiceType.SESSION, ana), make_service(ServiceType.SESSION, bruno)
    buy(maya, other, wish=ScheduleRequest(starts_at=a_free_slot(other)))
    canceled = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    cancel_booking(canceled)
    visits = [
        buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=nth))) for nth in (0, 5, 40)
    ]
    tom = buy(make_user("Tom Achterberg"), yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=20)))
    # The dates of one course are one visit.
    course = make_service(ServiceType.COURSE, ana)
    weeks = make_sessions(course, 3, in_days=40)
    buy(maya, course)
    first, last = day_of(clock.now(), ana), day_of(weeks[-1].starts_at, ana)
    visit_counts = [
        (guest["booking_id"], guest["earlier_visits"])
        for meeting in days(ana, first, last)
        for guest in meeting["guests"]
        if guest["booking_id"] != str(tom.pk)
    ]
    assert [count for _, count in visit_counts] == [0, 1, 2, 3, 3, 3]
    # The same is told of a day alone.
    assert visits[2].starts_at is not None
    alone = days(ana, day_of(visits[2].starts_at, ana))
    assert (str(visits[2].pk), 2) in [
        (guest["booking_id"], guest["earlier_visits"]) for meeting in alone for guest in meeting["guests"]
    ]
    [last_week] = days(ana, last)
    assert last_week["guests"][0]["earlier_visits"] == 3


def test_where_it_is_and_the_link_to_join_are_told_until_it_is_over(maya: User, ana: Practitioner) -> None:
    venue = Venue.objects.create(name="The Barn", address="1 Lane\nLisbon", time_zone="Europe/Lisbon")
    there = make_service(ServiceType.WORKSHOP, ana, venue=venue)
    online = make_service(ServiceType.WORKSHOP, ana, join_url="https://meet.example/service")
    [at_the_barn], [by_link] = make_sessions(there), make_sessions(online, in_days=11)
    [own_link] = make_sessions(online, in_days=12)
    ServiceSession.objects.filter(pk=own_link.pk).update(join_url="https://meet.example/date")
    meetings = days(ana, day_of(at_the_barn.starts_at, ana), day_of(own_link.starts_at, ana))
    assert [(m["venue"] and m["venue"]["name"], m["join_url"]) for m in meetings] == [
        ("The Barn", None),
        (None, "https://meet.example/service"),
        (None, "https://meet.example/date"),
    ]
    ServiceSession.objects.filter(pk=own_link.pk).update(called_off_at=clock.now())
    [meeting] = days(ana, day_of(own_link.starts_at, ana))
    assert (meeting["called_off"], meeting["join_url"], meeting["seats_left"]) == (True, None, 0)
    with time_machine.travel(by_link.ends_at + timedelta(minutes=1), tick=True):
        assert days(ana, day_of(by_link.starts_at, ana))[0]["join_url"] is None


def test_a_moved_date_says_when_it_was(maya: User, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    slot = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    assert slot.starts_at is not None
    before = slot.starts_at - timedelta(days=1)
    Booking.objects.filter(pk=slot.pk).update(former_starts_at=before)
    [meeting] = days(ana, day_of(slot.starts_at, ana))
    assert datetime.fromisoformat(meeting["moved_from_datetime"]) == before


def test_days_take_the_same_number_of_queries_however_many_guests_there_are(
    maya: User, ana: Practitioner
) -> None:
    as_ana, counts = signed_in(ana.user), set()
    for number in range(1, 4):
        [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=number + 4)
        yoga = make_service(ServiceType.SESSION, ana)
        for _ in range(number):
            a_seat(make_user(), session)
        buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
        today = clock.now().date()
        with CaptureQueriesContext(connection) as queries:
            as_ana.get(URL, {"first_day": f"{today}", "last_day": f"{today + timedelta(days=60)}"})
        counts.add(len(queries))
    # The token's two, the practitioner, sessions, seats with guests, slots with guests, earlier visits.
    assert counts == {7}


def test_no_table_is_read_whole_for_a_roster(maya: User, ana: Practitioner) -> None:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana))
    a_seat(maya, session)
    at = clock.now()
    with as_if_large() as plans:
        entries = roster(ana, begin=at, end=at + timedelta(days=30), with_canceled=True)
        assert with_visits(ana, entries)
    assert len(plans) == 4
    assert read_whole(plans) == []


def test_a_guest_sees_no_roster_of_any_days(buyer: APIClient) -> None:
    answer = buyer.get(URL, {"first_day": "2026-12-01"})
    assert (answer.status_code, answer.json()["code"]) == (403, "practitioners_only")


def test_clock_changes_neither_lose_nor_repeat_a_meeting(maya: User) -> None:
    berlin = make_practitioner("Jonas Keller", time_zone="Europe/Berlin")
    workshop = make_service(ServiceType.WORKSHOP, berlin)
    zone = ZoneInfo("Europe/Berlin")
    # A day of 25 hours, until midnight.
    late = datetime(2027, 10, 31, 23, 30, tzinfo=zone)
    ServiceSession.objects.create(
        service=workshop, starts_at=late, ends_at=late + timedelta(minutes=30), capacity=3
    )
    assert len(days(berlin, "2027-10-31")) == 1
    assert days(berlin, "2027-10-30") == days(berlin, "2027-11-01") == []
