"""A practitioner adds dates to a workshop or course: they are on sale at once, or a sentence says why not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import AuditLogEntry, Practitioner
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import (
    a_free_slot,
    buy,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.flows.payments.dates.acting import DAYS, act, host
from tests.flows.payments.own_dates.acting import DATES, SERVICES, add, date_body, in_days, problem, url_of

pytestmark = pytest.mark.django_db(transaction=True)

READING = 5  # of any number of services and dates: two for who asks


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    return make_service(ServiceType.WORKSHOP, ana, name="Breathwork", duration_min=90)


@pytest.fixture
def course(ana: Practitioner) -> Service:
    return make_service(ServiceType.COURSE, ana, name="Yoga in six weeks")


def refused(client: APIClient, service: Service, status: int, code: str, **more: Any) -> buying.Json:
    """Try to add a date: nothing is added, neither to the service nor to the calendar."""
    before = (ServiceSession.objects.count(), CalendarEntry.objects.count())
    body = problem(client.post(DATES, date_body(service) | more), status, code)
    assert (ServiceSession.objects.count(), CalendarEntry.objects.count()) == before
    return body


def test_a_new_date_is_in_the_catalogue_and_is_bought(
    stripe: Sandbox, ana: Practitioner, workshop: Service, buyer: APIClient
) -> None:
    [date] = add(host(ana), workshop, capacity=2, join_url="https://meet.example/breath")
    assert datetime.fromisoformat(date["end_datetime"]) - datetime.fromisoformat(
        date["start_datetime"]
    ) == timedelta(minutes=90)
    assert (date["taken"], date["called_off"], date["can_delete"]) == (0, False, True)
    shown = buyer.get(f"/api/v1/services/{workshop.pk}/sessions/").json()["results"]
    assert [(one["id"], one["seats_left"]) for one in shown] == [(date["id"], 2)]
    assert "meet.example" not in str(shown)
    order = buying.service(buyer, workshop, service_session_id=date["id"])
    buying.pay(stripe, order)
    [booking] = buying.bookings(buyer)
    assert booking["join_url"] == "https://meet.example/breath"
    [service] = host(ana).get(SERVICES).json()["results"]
    assert [(one["taken"], one["can_delete"]) for one in service["dates"]] == [(1, False)]


def test_a_course_is_on_sale_once_its_dates_are_added_in_one_act(
    stripe: Sandbox, ana: Practitioner, course: Service, buyer: APIClient
) -> None:
    assert not buyer.get(f"/api/v1/services/{course.pk}/").json()["on_sale"]
    dates = add(host(ana), course, weeks=6)
    assert len(dates) == 6
    assert buyer.get(f"/api/v1/services/{course.pk}/").json()["on_sale"]
    buying.pay(stripe, buying.service(buyer, course))
    [booking] = buying.bookings(buyer)
    assert [seat["id"] for seat in booking["sessions"]] == [date["id"] for date in dates]


def test_staff_see_what_the_practitioner_added(ana: Practitioner, workshop: Service) -> None:
    add(host(ana), workshop, weeks=2, join_url="https://meet.example/secret")
    [entry] = AuditLogEntry.objects.all()
    assert (entry.user_id, entry.object_id) == (ana.user_id, str(workshop.pk))
    assert "Added by the practitioner, 8 seats each" in entry.change_message
    assert "secret" not in entry.change_message


@pytest.mark.parametrize("place", ["own zone", "the zone of the place"])
def test_weekly_dates_keep_their_time_on_the_wall_when_clocks_change(place: str) -> None:
    with time_machine.travel(datetime(2026, 10, 1, 12, tzinfo=UTC), tick=True):
        host_zone = "Europe/Berlin" if place == "own zone" else "Asia/Tokyo"
        who = make_practitioner(time_zone=host_zone)
        venue = Venue.objects.create(name="Studio", address="1 Street", time_zone="Europe/Berlin")
        workshop = make_service(ServiceType.WORKSHOP, who, venue=None if place == "own zone" else venue)
        start = datetime.fromisoformat("2026-10-18T19:00:00+02:00")
        dates = add(host(who), workshop, start, weeks=3, duration_min=60)
        assert [date["start_datetime"] for date in dates] == [
            "2026-10-18T17:00:00Z",
            "2026-10-25T18:00:00Z",
            "2026-11-01T18:00:00Z",
        ]


def test_a_weekly_time_that_the_clock_skips_is_the_moment_of_the_change() -> None:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=True):
        who = make_practitioner(time_zone="Europe/Berlin")
        night = make_service(ServiceType.WORKSHOP, who)
        dates = add(host(who), night, datetime.fromisoformat("2026-03-22T02:30:00+01:00"), weeks=3)
        assert [date["start_datetime"] for date in dates] == [
            "2026-03-22T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-04-05T00:30:00Z",
        ]


def test_each_conflict_is_named_and_none_of_the_dates_is_added(
    ana: Practitioner, workshop: Service, course: Service, buyer: APIClient
) -> None:
    start, me = in_days(30), host(ana)
    add(me, course, start)
    [called_off] = add(me, course, start + timedelta(weeks=1))
    ServiceSession.objects.filter(pk=called_off["id"]).update(called_off_at=clock.now())
    day = (start + timedelta(weeks=3)).date().isoformat()
    act(me, DAYS, first_day=day, last_day=day)
    lesson = make_service(ServiceType.SESSION, ana, name="Massage")
    slot = a_free_slot(lesson, nth=3)
    buy(make_user(), lesson, wish=ScheduleRequest(starts_at=slot))

    refusal = refused(me, workshop, 409, "practitioner_taken", weeks=5)
    assert [(one["kind"], one["taken_by"].split(",")[0]) for one in refusal["conflicts"]] == [
        ("date", "Yoga in six weeks"),
        ("called_off_date", "Yoga in six weeks (called off)"),
        ("closed_time", "Closed time"),
    ]
    assert "Yoga in six weeks" in refusal["detail"]
    assert "The time of a date that was called off stays taken." in refusal["detail"]
    assert "move what is there" not in refusal["detail"]
    refusal = refused(me, workshop, 409, "practitioner_taken", start_datetime=slot.isoformat())
    assert [one["kind"] for one in refusal["conflicts"]] == ["booking"]
    assert "Massage (booked)" in refusal["detail"]


def test_a_key_that_is_sent_again_gets_the_first_answer_and_no_key_a_clear_no(
    ana: Practitioner, workshop: Service
) -> None:
    me, body = host(ana), date_body(workshop)
    first = me.post(DATES, body, headers={"Idempotency-Key": "one"})
    again = me.post(DATES, body, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    refusal = problem(me.post(DATES, body), 409, "practitioner_taken")
    assert "Breathwork" in refusal["detail"]
    assert ServiceSession.objects.count() == 1
    problem(
        me.post(DATES, body | {"capacity": 9}, headers={"Idempotency-Key": "one"}),
        422,
        "idempotency_key_reused",
    )


def test_what_an_interrupted_request_has_added_is_returned_by_its_repetition(
    ana: Practitioner, workshop: Service
) -> None:
    me, body = host(ana), date_body(workshop, weeks=2)
    first = me.post(DATES, body, headers={"Idempotency-Key": "one"}).json()
    with connection.cursor() as cursor:  # as if the process had died before it answered
        cursor.execute(
            "UPDATE payments_idempotencykey"
            " SET status_code = NULL, answer = NULL, leased_until = now() - interval '1 hour'"
        )
    again = me.post(DATES, body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (201, first)
    assert ServiceSession.objects.count() == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"start_datetime": "2020-01-07T10:00:00Z"}, "slot_in_past"),
        ({"start_datetime": "2099-01-07T10:00:00Z"}, "beyond_horizon"),
        ({"weeks": 52, "start_datetime": in_days(40).isoformat()}, "beyond_horizon"),
        ({"end_datetime": in_days(29).isoformat()}, "invalid_request"),
        ({"end_datetime": in_days(30).isoformat()}, "invalid_request"),
        ({"end_datetime": in_days(90).isoformat()}, "invalid_request"),
        ({"end_datetime": in_days(38).isoformat(), "weeks": 2}, "invalid_request"),
        ({"end_datetime": in_days(30, 19).isoformat(), "duration_min": 60}, "invalid_request"),
        ({"duration_min": 0}, "invalid_request"),
        ({"duration_min": 10**9}, "invalid_request"),
        ({"capacity": 0}, "invalid_request"),
        ({"capacity": -1}, "invalid_request"),
        ({"capacity": 1_000_000}, "invalid_request"),
        ({"capacity": "8"}, "invalid_request"),
        ({"capacity": 8.5}, "invalid_request"),
        ({"capacity": True}, "invalid_request"),
        ({"capacity": None}, "invalid_request"),
        ({"weeks": 0}, "invalid_request"),
        ({"weeks": 53}, "invalid_request"),
        ({"weeks": [2]}, "invalid_request"),
        ({"start_datetime": "2030-01-07T10:00:00"}, "invalid_request"),
        ({"start_datetime": 5}, "invalid_request"),
        ({"service_id": "one"}, "invalid_request"),
        ({"service_id": {}}, "invalid_request"),
        ({"join_url": "http://meet.example/a"}, "invalid_request"),
        ({"join_url": "javascript:alert(1)"}, "invalid_request"),
        ({"join_url": "https://meet.example/<script>alert(1)</script>"}, "invalid_request"),
        ({"join_url": 'https://meet.example/"onclick="x'}, "invalid_request"),
        ({"join_url": "https://meet.example/\u202egnp"}, "invalid_request"),
        ({"join_url": "https://meet.example/a\nb"}, "invalid_request"),
        ({"join_url": "https://user:password@meet.example/"}, "invalid_request"),
        ({"join_url": "https://meet.example/" + "a" * 500}, "invalid_request"),
        ({"join_url": 7}, "invalid_request"),
    ],
)
def test_what_no_date_can_be_is_refused(
    ana: Practitioner, workshop: Service, more: buying.Json, code: str
) -> None:
    refused(host(ana), workshop, 400, code, **more)


def test_only_own_workshops_and_courses_that_are_offered_get_dates(
    ana: Practitioner, workshop: Service, buyer: APIClient
) -> None:
    me = host(ana)
    for kind in (ServiceType.SESSION, ServiceType.PACKAGE):
        refused(me, make_service(kind, ana), 400, "no_dates")
    refused(me, make_service(ServiceType.WORKSHOP, make_practitioner("Bela Novak")), 404, "not_found")
    refused(me, workshop, 404, "not_found", service_id="999999")
    refused(buyer, workshop, 403, "practitioners_only")
    Service.objects.filter(pk=workshop.pk).update(active=False)
    refused(me, workshop, 409, "service_inactive")
    assert problem(buyer.get(SERVICES), 403, "practitioners_only")
    assert problem(buyer.get(DATES, {"service_id": str(workshop.pk)}), 403, "practitioners_only")


def test_a_course_that_was_bought_gets_no_further_date_until_nobody_has_it(
    stripe: Sandbox, ana: Practitioner, course: Service, buyer: APIClient
) -> None:
    me = host(ana)
    add(me, course, weeks=3)
    held = buying.service(buyer, course)
    refused(me, course, 409, "course_sold", start_datetime=in_days(60).isoformat())
    [service] = me.get(SERVICES).json()["results"]
    assert service["sold_as_it_is"]
    assert buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/").status_code == 200
    assert len(add(me, course, in_days(60))) == 1


def test_a_course_that_has_begun_gets_no_further_date(ana: Practitioner, course: Service) -> None:
    me, [date] = host(ana), add(host(ana), course)
    with time_machine.travel(in_days(31), tick=True):
        me = host(ana)
        refused(me, course, 409, "course_begun", start_datetime=in_days(9).isoformat())
        assert me.delete(url_of(date)).status_code == 204
        add(me, course, in_days(9))


def test_a_service_has_only_so_many_dates(ana: Practitioner, workshop: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr("estuary.payments.own_dates.create_dates.DATES_MAX", 3)
    add(host(ana), workshop, weeks=2)
    refused(host(ana), workshop, 409, "too_many_dates", start_datetime=in_days(31).isoformat(), weeks=2)


def test_dates_ahead_and_past_are_listed_page_by_page(ana: Practitioner, workshop: Service) -> None:
    me = host(ana)
    old = ServiceSession.objects.create(
        service=workshop, starts_at=in_days(-3), ends_at=in_days(-3, 20), capacity=5
    )
    dates = add(me, workshop, weeks=25)
    make_sessions(make_service(ServiceType.WORKSHOP, make_practitioner("Bela Novak")))
    [service] = me.get(SERVICES).json()["results"]
    assert ([one["id"] for one in service["dates"]], service["has_more_dates"]) == (
        [date["id"] for date in dates[:20]],
        True,
    )
    page = me.get(DATES, {"service_id": str(workshop.pk)}).json()
    rest = me.get(page["next"]).json()
    assert [one["id"] for one in page["results"] + rest["results"]] == [date["id"] for date in dates]
    past = me.get(DATES, {"service_id": str(workshop.pk), "when": "past"}).json()["results"]
    assert [one["id"] for one in past] == [str(old.pk)]
    assert me.get(DATES, {"service_id": str(workshop.pk), "when": "soon"}).status_code == 400
    assert me.get(DATES).status_code == 400
    assert (
        host(make_practitioner("Carla Dias")).get(DATES, {"service_id": str(workshop.pk)}).status_code == 404
    )


def test_many_services_and_dates_cost_as_many_queries_as_few(ana: Practitioner) -> None:
    me = signed_in(ana.user)
    for number in range(6):
        service = make_service(ServiceType.WORKSHOP, ana)
        add(me, service, in_days(20 + number, 3), weeks=4)
    with CaptureQueriesContext(connection) as queries:
        assert len(me.get(SERVICES).json()["results"]) == 6
    assert len(queries) <= READING, [query["sql"][:120] for query in queries]
    with CaptureQueriesContext(connection) as queries:
        me.get(DATES, {"service_id": service.pk})
    assert len(queries) <= READING, [query["sql"][:120] for query in queries]
