"""The shop window: what anybody can see without signing in."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions

pytestmark = pytest.mark.django_db


def test_services_are_listed_with_prices_and_practitioner_to_anybody(
    public: APIClient, ana: Practitioner
) -> None:
    service = make_service(ServiceType.SESSION, ana, name="Private yoga", usd=8550)
    answer = public.get("/api/v1/services/")
    assert answer.status_code == 200
    [shown] = answer.json()["results"]
    assert (shown["id"], shown["type"], shown["name"]) == (str(service.pk), "session", "Private yoga")
    assert shown["prices"] == [
        {"currency": "usd", "amount": "85.50", "minimum_charge": "0.50"},
        {"currency": "eur", "amount": "76.95", "minimum_charge": "0.50"},
    ]
    assert shown["practitioner"]["slug"] == ana.slug
    assert shown["practitioner"]["time_zone"] == "Europe/Lisbon"
    assert shown["on_sale"] is True
    assert "user" not in shown["practitioner"]


def test_a_stale_token_does_not_close_the_shop_window(public: APIClient) -> None:
    assert public.get("/api/v1/services/", HTTP_AUTHORIZATION="Bearer stale").status_code == 200


def test_services_are_filtered_by_type_and_practitioner(public: APIClient, ana: Practitioner) -> None:
    jonas = make_practitioner("Jonas Keller")
    make_service(ServiceType.SESSION, ana)
    workshop = make_service(ServiceType.WORKSHOP, jonas)
    make_service(ServiceType.SESSION, jonas)
    answer = public.get("/api/v1/services/", {"type": "workshop"})
    assert [shown["id"] for shown in answer.json()["results"]] == [str(workshop.pk)]
    answer = public.get("/api/v1/services/", {"practitioner": jonas.slug})
    assert len(answer.json()["results"]) == 2


@pytest.mark.parametrize("query", [{"type": "voyage"}, {"practitioner": "no such slug!"}])
def test_a_filter_that_means_nothing_is_a_400_that_says_so(public: APIClient, query: dict[str, str]) -> None:
    answer = public.get("/api/v1/services/", query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert next(iter(query)) in answer.json()["detail"]


def test_services_page_by_cursor(public: APIClient, ana: Practitioner) -> None:
    service_ids = [str(make_service(ServiceType.SESSION, ana).pk) for _ in range(5)]
    seen, address = [], "/api/v1/services/?page_size=2"
    while address:
        page = public.get(address).json()
        seen += [shown["id"] for shown in page["results"]]
        address = page["next"]
    assert seen == service_ids


def test_a_broken_cursor_is_a_404(public: APIClient, ana: Practitioner) -> None:
    assert public.get("/api/v1/services/?cursor=nonsense").status_code == 404


def test_the_catalogue_takes_two_queries_however_long(public: APIClient, ana: Practitioner) -> None:
    counts = set()
    for _ in range(3):
        make_sessions(make_service(ServiceType.WORKSHOP, make_practitioner()))
        make_service(ServiceType.SESSION, ana)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            public.get("/api/v1/services/")
        counts.add(len(queries))
    assert counts == {2}


def test_an_inactive_service_is_nowhere(public: APIClient, ana: Practitioner) -> None:
    gone = make_service(ServiceType.SESSION, ana, active=False)
    assert public.get("/api/v1/services/").json()["results"] == []
    for part in ("", "sessions/", "slots/"):
        answer = public.get(f"/api/v1/services/{gone.pk}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999999"])
def test_an_unknown_service_is_a_404(public: APIClient, db: None, number: str) -> None:
    for part in ("", "sessions/", "slots/"):
        assert public.get(f"/api/v1/services/{number}/{part}").status_code == 404


def test_a_service_outside_its_sale_window_is_shown_but_not_on_sale(
    public: APIClient, ana: Practitioner
) -> None:
    soon = make_service(ServiceType.SESSION, ana, sale_starts_at=clock.now() + timedelta(days=1))
    over = make_service(ServiceType.SESSION, ana, sale_ends_at=clock.now() - timedelta(days=1))
    for service in (soon, over):
        assert public.get(f"/api/v1/services/{service.pk}/").json()["on_sale"] is False


def test_a_course_is_on_sale_until_its_first_session(public: APIClient, ana: Practitioner) -> None:
    course = make_service(ServiceType.COURSE, ana)
    address = f"/api/v1/services/{course.pk}/"
    assert public.get(address).json()["on_sale"] is False  # it has no dates yet
    first, *_ = make_sessions(course, 3)
    assert public.get(address).json()["on_sale"] is True
    first.starts_at = clock.now() - timedelta(hours=1)
    first.save()
    assert public.get(address).json()["on_sale"] is False


def test_a_package_is_on_sale_until_a_course_inside_it_begins(public: APIClient, ana: Practitioner) -> None:
    course, workshop = make_service(ServiceType.COURSE, ana), make_service(ServiceType.WORKSHOP, ana)
    package = make_service(ServiceType.PACKAGE, ana, holds=[course, workshop], usd=15_000)
    address = f"/api/v1/services/{package.pk}/"
    meetings = make_sessions(course, 3)
    make_sessions(workshop, in_days=40)
    assert public.get(address).json()["on_sale"] is True
    with time_machine.travel(meetings[0].starts_at, tick=False):
        assert public.get(address).json()["on_sale"] is False
        shown = {row["id"]: row["on_sale"] for row in public.get("/api/v1/services/").json()["results"]}
    assert shown == {str(course.pk): False, str(workshop.pk): True, str(package.pk): False}


def test_a_package_says_what_it_holds(
    public: APIClient, ana: Practitioner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    yoga = make_service(ServiceType.SESSION, ana, name="Yoga")
    bath = make_service(ServiceType.WORKSHOP, make_practitioner("Mateo Silva"), name="Sound bath")
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath], validity_days=90)
    with django_assert_num_queries(3):
        shown = public.get(f"/api/v1/services/{package.pk}/").json()
    assert [(c["service"]["name"], c["quantity"], c["bonus"]) for c in shown["contents"]] == [
        ("Yoga", 1, 0),
        ("Sound bath", 1, 0),
    ]
    assert (shown["validity_days"], shown["free_cancel_hours"]) == (90, 24)


def test_a_bundle_says_how_many_and_how_many_more(public: APIClient, ana: Practitioner) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=5, bundle_bonus=1)
    [content] = public.get(f"/api/v1/services/{bundle.pk}/").json()["contents"]
    assert (content["service"]["id"], content["quantity"], content["bonus"]) == (str(yoga.pk), 5, 1)


def test_sessions_are_those_to_come_with_the_seats_left(
    public: APIClient, ana: Practitioner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    over, full, free = make_sessions(workshop, 3, capacity=2)
    over.starts_at, over.ends_at = clock.now() - timedelta(hours=3), clock.now() - timedelta(hours=1)
    over.save()
    ServiceSession.objects.filter(pk=full.pk).update(taken=2)
    with django_assert_num_queries(2):
        shown = public.get(f"/api/v1/services/{workshop.pk}/sessions/").json()["results"]
    assert [(s["id"], s["seats_left"], s["sold_out"]) for s in shown] == [
        (str(full.pk), 0, True),
        (str(free.pk), 2, False),
    ]
    assert shown[1]["start_datetime"] == free.starts_at.isoformat().replace("+00:00", "Z")


def test_free_slots_of_the_next_days_in_the_practitioners_time(
    public: APIClient, ana: Practitioner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    service = make_service(ServiceType.SESSION, ana)
    first = a_free_slot(service)
    day = first.astimezone(ana.zone).date()
    with django_assert_num_queries(3):
        answer = public.get(f"/api/v1/services/{service.pk}/slots/", {"from": str(day), "days": "1"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["service_id"], body["time_zone"]) == (str(service.pk), "Europe/Lisbon")
    starts = [slot["start_datetime"] for slot in body["slots"]]
    assert len(starts) == 15  # 9:00 to 16:00, each half hour
    assert starts[0].startswith(f"{day}T09:00:00")


def test_free_slots_can_be_told_in_the_viewers_time(public: APIClient, ana: Practitioner) -> None:
    service = make_service(ServiceType.SESSION, ana)
    tokyo = ZoneInfo("Asia/Tokyo")
    day = a_free_slot(service).astimezone(tokyo).date() + timedelta(days=1)
    query = {"from": str(day), "days": "1", "time_zone": "Asia/Tokyo"}
    slots = public.get(f"/api/v1/services/{service.pk}/slots/", query).json()["slots"]
    assert slots
    assert all(slot["start_datetime"].startswith(str(day)) for slot in slots)
    assert all(slot["start_datetime"].endswith("+09:00") for slot in slots)


def test_two_weeks_from_today_are_offered_unless_asked_otherwise(
    public: APIClient, ana: Practitioner
) -> None:
    service = make_service(ServiceType.SESSION, ana)
    slots = public.get(f"/api/v1/services/{service.pk}/slots/").json()["slots"]
    days = {slot["start_datetime"][:10] for slot in slots}
    assert 13 <= len(days) <= 14


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "0001-01-01"},
        {"from": "9999-12-31"},
        {"days": "0"},
        {"days": "63"},
        {"days": "many"},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "Europe"},
        {"time_zone": "a" * 300},
    ],
)
def test_slots_asked_for_badly_are_a_400(public: APIClient, ana: Practitioner, query: dict[str, str]) -> None:
    service = make_service(ServiceType.SESSION, ana)
    answer = public.get(f"/api/v1/services/{service.pk}/slots/", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert next(iter(query)) in answer.json()["errors"]


def test_a_workshop_has_sessions_and_no_slots(public: APIClient, ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    answer = public.get(f"/api/v1/services/{workshop.pk}/slots/")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_slots")
