"""What a buyer has, and when it takes place."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.fulfilment import cancel
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.common import clock
from tests.factories import a_free_slot, buy, make_service, make_sessions, make_user, signed_in

pytestmark = pytest.mark.django_db


def listed(client: APIClient, when: str = "") -> list[str]:
    answer = client.get("/api/v1/bookings/", {"when": when} if when else {})
    assert answer.status_code == 200, answer.content
    return [shown["id"] for shown in answer.json()["results"]]


def test_nobody_sees_bookings_without_signing_in(public: APIClient) -> None:
    for address in ("/api/v1/bookings/", "/api/v1/bookings/1/", "/api/v1/roster/", "/api/v1/hours/"):
        assert public.get(address).status_code == 401
    assert public.post("/api/v1/bookings/1/schedule/", {}).status_code == 401


def test_a_1_on_1_session_is_told_with_its_time_and_until_when_it_may_be_canceled(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga = make_service(ServiceType.SESSION, ana, name="Yoga", free_cancel_hours=48, location="Lisbon")
    starts_at = a_free_slot(yoga)
    booking = buy(maya, yoga, wish=ScheduleRequest(starts_at=starts_at))
    shown = as_maya.get(f"/api/v1/bookings/{booking.pk}/").json()
    assert (shown["service_name"], shown["location"], shown["status"]) == ("Yoga", "Lisbon", "confirmed")
    assert shown["start_datetime"] == starts_at.isoformat().replace("+00:00", "Z")
    assert shown["free_cancel_until"] == (starts_at - timedelta(hours=48)).isoformat().replace("+00:00", "Z")
    assert shown["practitioner"] == {"slug": ana.slug, "name": "Ana Ribeiro", "time_zone": "Europe/Lisbon"}
    assert (shown["amount"], shown["currency"]) == ("100.00", "usd")
    assert (shown["order_id"], shown["children"], shown["needs_scheduling"]) == (
        booking.order.public_id,
        [],
        False,
    )


def test_a_course_shows_all_its_meetings(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    course = make_service(ServiceType.COURSE, ana)
    sessions = make_sessions(course, 4)
    booking = buy(maya, course)
    shown = as_maya.get(f"/api/v1/bookings/{booking.pk}/").json()
    assert [seat["id"] for seat in shown["sessions"]] == [str(session.pk) for session in sessions]


def test_a_package_nests_its_parts_in_order(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    yoga, bath = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    [session] = make_sessions(bath)
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath], validity_days=90)
    booking = buy(maya, package, items=[ScheduleRequest(service_id=bath.pk, session_id=session.pk)])
    shown = as_maya.get(f"/api/v1/bookings/{booking.pk}/").json()
    parts = [(part["service_name"], part["needs_scheduling"]) for part in shown["children"]]
    assert parts == [(yoga.name, True), (bath.name, False)]
    assert shown["children"][1]["service_session_id"] == str(session.pk)
    assert sum(float(part["amount"]) for part in shown["children"]) == float(shown["amount"])


def test_bookings_are_sorted_by_when_they_take_place(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2, validity_days=30)
    later = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=9)))
    sooner = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    over = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=5)))
    past = clock.now() - timedelta(days=3)
    Booking.objects.filter(pk=over.pk).update(starts_at=past, ends_at=past + timedelta(hours=1))
    called_off = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=4)))
    cancel([called_off], at=clock.now())
    parent = buy(maya, bundle)
    children = [str(child.pk) for child in parent.children.order_by("-id")]
    assert listed(as_maya, "upcoming") == [str(sooner.pk), str(later.pk)]
    assert listed(as_maya, "past") == [str(over.pk)]
    assert listed(as_maya, "unscheduled") == children
    assert listed(as_maya) == [str(b.pk) for b in (parent, called_off, over, sooner, later)]


def test_what_can_no_longer_be_scheduled_is_not_waiting_for_it(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2, validity_days=30)
    buy(maya, bundle)
    Booking.objects.update(valid_until=clock.now() - timedelta(minutes=1))
    assert listed(as_maya, "unscheduled") == []


def test_a_filter_that_means_nothing_is_a_400(as_maya: APIClient) -> None:
    assert as_maya.get("/api/v1/bookings/", {"when": "someday"}).status_code == 400


def test_upcoming_bookings_page_by_cursor(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bought = [buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga))) for _ in range(5)]
    soonest = [str(booking.pk) for booking in sorted(bought, key=lambda booking: str(booking.starts_at))]
    seen, address = [], "/api/v1/bookings/?when=upcoming&page_size=2"
    while address:
        page = as_maya.get(address).json()
        seen += [shown["id"] for shown in page["results"]]
        address = page["next"]
    assert seen == soonest


def test_another_users_booking_is_a_404(as_tom: APIClient, maya: User, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2)
    child = buy(maya, bundle).children.get(position=1)
    starts_at = a_free_slot(yoga)
    assert as_tom.get(f"/api/v1/bookings/{child.pk}/").status_code == 404
    answer = as_tom.post(f"/api/v1/bookings/{child.pk}/schedule/", {"start_datetime": starts_at.isoformat()})
    assert answer.status_code == 404
    child.refresh_from_db()
    assert child.starts_at is None
    assert listed(as_tom) == []


def test_bookings_take_a_constant_number_of_queries(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    counts = set()
    for size in (2, 5, 9):
        yoga, course = make_service(ServiceType.SESSION, ana), make_service(ServiceType.COURSE, ana)
        make_sessions(course, size, in_days=size * 70)
        package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, course])
        bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=size)
        buy(maya, package)
        parent = buy(maya, bundle)
        for address in (
            "/api/v1/bookings/",
            f"/api/v1/bookings/{parent.pk}/",
            "/api/v1/bookings/?when=upcoming",
        ):
            with CaptureQueriesContext(connection) as queries:
                assert as_maya.get(address).status_code == 200
            counts.add(len(queries))
    # The bearer token's session and user, the bookings, their seats, their children, and the seats of those.
    assert max(counts) == 6


def a_guest(booking: Booking, name: str, *, earlier_visits: int = 0) -> dict[str, Any]:
    return {
        "booking_id": str(booking.pk),
        "name": name,
        "payment": "paid",
        "disputed": False,
        "service_data": {},
        "earlier_visits": earlier_visits,
    }


def test_a_roster_names_guests_and_nothing_more(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    yoga, bath = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    [session] = make_sessions(bath, capacity=5)
    tom = make_user("Tom Achterberg")
    seat = buy(maya, bath, wish=ScheduleRequest(session_id=session.pk))
    other = buy(tom, bath, wish=ScheduleRequest(session_id=session.pk))
    slot = buy(tom, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    gone = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    cancel([gone], at=clock.now())
    answer = signed_in(ana.user).get("/api/v1/roster/")
    assert answer.status_code == 200
    assert "@" not in answer.content.decode()
    entries = answer.json()["results"]
    assert [(e["service_name"], e["capacity"], e["guests"]) for e in entries] == [
        (
            yoga.name,
            1,
            [a_guest(slot, "Tom Achterberg")],
        ),
        (
            bath.name,
            5,
            [
                a_guest(seat, "Maya Lindqvist"),
                a_guest(other, "Tom Achterberg", earlier_visits=1),
            ],
        ),
    ]


def test_a_roster_takes_a_constant_number_of_queries(maya: User, ana: Practitioner) -> None:
    as_ana, counts = signed_in(ana.user), set()
    for number in range(1, 4):
        bath, yoga = make_service(ServiceType.WORKSHOP, ana), make_service(ServiceType.SESSION, ana)
        [session] = make_sessions(bath, in_days=number + 4)
        for _ in range(number):
            buy(make_user(), bath, wish=ScheduleRequest(session_id=session.pk))
        buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
        with CaptureQueriesContext(connection) as queries:
            as_ana.get("/api/v1/roster/")
        counts.add(len(queries))
    # The token's two, the practitioner, sessions, seats with guests, slots with guests, earlier visits.
    assert counts == {7}


def test_of_a_guest_without_a_name_the_first_letters_of_the_address_are_shown(ana: Practitioner) -> None:
    nameless = make_user("Maya")
    User.objects.filter(pk=nameless.pk).update(first_name="", last_name="")
    yoga = make_service(ServiceType.SESSION, ana)
    buy(nameless, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    [entry] = signed_in(ana.user).get("/api/v1/roster/").json()["results"]
    assert [guest["name"] for guest in entry["guests"]] == ["ma…@…"]


def test_only_practitioners_have_a_roster(as_maya: APIClient) -> None:
    answer = as_maya.get("/api/v1/roster/")
    assert (answer.status_code, answer.json()["code"]) == (403, "practitioners_only")


def test_what_was_canceled_is_listed_latest_first_and_a_package_as_one(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga, bath = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath], validity_days=90)
    whole, kept = buy(maya, package), buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    single = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga, nth=3)))
    cancel([whole, *whole.children.all()], at=clock.now() - timedelta(hours=2))
    cancel([single], at=clock.now() - timedelta(hours=1))
    assert listed(as_maya, "canceled") == [str(single.pk), str(whole.pk)]
    assert listed(as_maya, "upcoming") == [str(kept.pk)]
