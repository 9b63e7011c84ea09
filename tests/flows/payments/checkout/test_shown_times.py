"""A buyer who names the times that were shown never pays for another time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.dates.acting import act, host, move_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stripe")]


def as_text(*moments: datetime) -> list[str]:
    return [moment.isoformat() for moment in moments]


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Breathwork"))
    return session


def move_a_day(ana: Practitioner, session: ServiceSession) -> str:
    """Move a date to the day after; return when it begins."""
    start = (session.starts_at + timedelta(days=1)).isoformat()
    act(host(ana), move_url(session), start_datetime=start)
    return start


def body_for(session: ServiceSession) -> dict[str, Any]:
    """Return what a page sends that shows the date as it is now."""
    return {
        "service_id": str(session.service_id),
        "scheduling_data": {
            "service_session_id": str(session.pk),
            "shown_start_datetimes": as_text(session.starts_at),
        },
    }


def test_the_time_that_was_shown_is_bought(
    stripe: Sandbox, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buying.create(buyer, **body_for(workshop))
    assert "shown_start_datetimes" not in buying.order_of(order).scheduling_data
    buying.pay(stripe, order)
    assert Booking.objects.get().starts_at == workshop.starts_at


def test_a_time_that_was_not_shown_is_not_sold(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    body = body_for(workshop)
    start = move_a_day(ana, workshop)
    problem = buying.refused(buyer, 409, "time_changed", **body)
    assert problem["start_datetimes"] == [start]
    assert not Order.objects.exists()
    body["scheduling_data"]["shown_start_datetimes"] = problem["start_datetimes"]
    buying.pay(stripe, buying.create(buyer, **body))
    assert Booking.objects.get().starts_at == datetime.fromisoformat(start)


def test_who_does_not_say_what_was_shown_buys_the_time_as_it_is(
    ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    move_a_day(ana, workshop)
    buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    assert Order.objects.count() == 1


def test_a_workshop_with_one_date_needs_no_session_to_name_what_was_shown(
    ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    body = body_for(workshop)
    del body["scheduling_data"]["service_session_id"]
    move_a_day(ana, workshop)
    buying.refused(buyer, 409, "time_changed", **body)


def test_a_course_is_not_sold_after_one_of_its_meetings_has_moved(
    ana: Practitioner, buyer: APIClient
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    meetings = make_sessions(course, 3)
    shown = as_text(*(meeting.starts_at for meeting in meetings))
    body = {"service_id": str(course.pk), "scheduling_data": {"shown_start_datetimes": shown}}
    start = move_a_day(ana, meetings[2])
    problem = buying.refused(buyer, 409, "time_changed", **body)
    assert problem["start_datetimes"] == [*shown[:2], start]
    body["scheduling_data"] = {"shown_start_datetimes": problem["start_datetimes"]}
    buying.create(buyer, **body)


def test_a_part_of_a_package_is_not_sold_for_a_time_that_was_not_shown(
    ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    package = make_service(ServiceType.PACKAGE, ana, holds=[workshop.service], validity_days=90)
    one = body_for(workshop)
    item = {"service_id": one["service_id"], **one["scheduling_data"]}
    body = {"service_id": str(package.pk), "scheduling_data": {"items": [item]}}
    move_a_day(ana, workshop)
    buying.refused(buyer, 409, "time_changed", **body)


def bought_package(stripe: Sandbox, buyer: APIClient, package: Service) -> Booking:
    buying.pay(stripe, buying.create(buyer, service_id=str(package.pk)))
    return Booking.objects.get(position=1)


def test_a_part_is_not_scheduled_at_a_time_that_was_not_shown(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    package = make_service(ServiceType.PACKAGE, ana, holds=[workshop.service], validity_days=90)
    part = bought_package(stripe, buyer, package)
    body = body_for(workshop)["scheduling_data"]
    start = move_a_day(ana, workshop)
    url = f"/api/v1/bookings/{part.pk}/schedule/"
    answer = buyer.post(url, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "time_changed")
    body["shown_start_datetimes"] = [start]
    assert buyer.post(url, body).status_code == 200


def test_a_booking_is_not_moved_to_a_time_that_was_not_shown(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    [_, other_date] = make_sessions(workshop.service, 2, in_days=20)
    buying.pay(stripe, buying.create(buyer, **body_for(workshop)))
    body = body_for(other_date)["scheduling_data"]
    move_a_day(ana, other_date)
    url = f"/api/v1/bookings/{Booking.objects.get().pk}/move/"
    answer = buyer.post(url, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "time_changed")
    assert Booking.objects.get().session_id == workshop.pk


@pytest.mark.parametrize("shown", [["tomorrow"], "2030-01-01T10:00:00Z", [None], [["2030-01-01T10:00:00Z"]]])
def test_shown_times_that_are_none_are_refused(
    workshop: ServiceSession, buyer: APIClient, shown: Any
) -> None:
    body = body_for(workshop)
    body["scheduling_data"]["shown_start_datetimes"] = shown
    buying.refused(buyer, 400, "invalid_request", **body)


def test_the_start_of_a_slot_may_be_named_as_shown_too(ana: Practitioner, buyer: APIClient) -> None:
    lesson = make_service(ServiceType.SESSION, ana)
    start = a_free_slot(lesson)
    body = {"start_datetime": start.isoformat(), "shown_start_datetimes": as_text(start)}
    buying.service(buyer, lesson, **body)
