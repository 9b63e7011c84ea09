"""What was bought keeps its length and its times to choose from, whatever becomes of the service afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from tests.api.test_scheduling import part
from tests.factories import a_free_slot, make_service, make_sessions

pytestmark = pytest.mark.django_db(transaction=True)


def times(client: APIClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}/")
    assert answer.status_code == 200, answer.json()
    listed: list[dict[str, Any]] = answer.json().get("slots") or answer.json()["results"]
    return listed


def schedule(client: APIClient, booking: Booking, **body: Any) -> Booking:
    answer = client.post(f"/api/v1/bookings/{booking.pk}/schedule/", body)
    assert answer.status_code == 200, answer.json()
    booking.refresh_from_db()
    return booking


@pytest.mark.parametrize("now_min", [20, 240])
def test_a_part_lasts_as_long_as_it_was_sold(
    as_maya: APIClient, package: Booking, yoga: Service, now_min: int
) -> None:
    Service.objects.filter(pk=yoga.pk).update(duration_min=now_min)
    booking = part(package, yoga)
    offered = times(as_maya, f"bookings/{booking.pk}/slots")
    last = offered[-1]["start_datetime"]  # the latest of a day shows how long a slot is
    booking = schedule(as_maya, booking, start_datetime=last)
    assert booking.starts_at and booking.ends_at
    assert booking.ends_at - booking.starts_at == timedelta(minutes=60)


def test_a_part_sold_before_the_length_was_kept_has_the_present_one(
    as_maya: APIClient, package: Booking, yoga: Service
) -> None:
    booking = part(package, yoga)
    assert booking.line
    booking.line.duration_min = None
    booking.line.save()
    Service.objects.filter(pk=yoga.pk).update(duration_min=30)
    booking = schedule(as_maya, booking, start_datetime=a_free_slot(yoga).isoformat())
    assert booking.starts_at and booking.ends_at
    assert booking.ends_at - booking.starts_at == timedelta(minutes=30)


def test_parts_off_sale_are_scheduled_and_moved(
    as_maya: APIClient, public: APIClient, package: Booking, yoga: Service, bath: Service
) -> None:
    first, second = make_sessions(bath, 2)
    Service.objects.update(active=False)
    for service, kind in ((yoga, "slots"), (bath, "sessions")):
        assert public.get(f"/api/v1/services/{service.pk}/{kind}/").status_code == 404

    slots = times(as_maya, f"bookings/{part(package, yoga).pk}/slots")
    schedule(as_maya, part(package, yoga), start_datetime=slots[-1]["start_datetime"])
    later = times(as_maya, f"bookings/{part(package, yoga).pk}/slots")
    assert slots[-2] in later and slots[-1] not in later

    seat = part(package, bath)
    dates = times(as_maya, f"bookings/{seat.pk}/sessions")
    assert [date["id"] for date in dates] == [str(first.pk), str(second.pk)]
    schedule(as_maya, seat, service_session_id=first.pk)
    [other] = times(as_maya, f"bookings/{seat.pk}/sessions")
    assert other["id"] == str(second.pk)
    answer = as_maya.post(f"/api/v1/bookings/{seat.pk}/move/", {"service_session_id": other["id"]})
    assert answer.status_code == 200, answer.json()


def test_a_part_of_what_is_on_sale_shows_its_times_to_all(
    public: APIClient, ana: Practitioner, yoga: Service, bath: Service
) -> None:
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath])
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2)
    Service.objects.filter(pk__in=[yoga.pk, bath.pk]).update(active=False)
    slots, dates = f"/api/v1/services/{yoga.pk}/slots/", f"/api/v1/services/{bath.pk}/sessions/"
    assert public.get(slots).status_code == public.get(dates).status_code == 200
    Service.objects.filter(pk=package.pk).update(active=False)
    assert (public.get(slots).status_code, public.get(dates).status_code) == (200, 404)
    Service.objects.filter(pk=bundle.pk).update(active=False)
    assert public.get(slots).status_code == 404


def test_what_has_no_time_to_choose_lists_none(
    as_maya: APIClient, package: Booking, yoga: Service, bath: Service
) -> None:
    for booking, path, code in (
        (package, "slots", "booking_not_movable"),
        (package, "sessions", "booking_not_movable"),
        (part(package, bath), "slots", "no_slots"),
    ):
        answer = as_maya.get(f"/api/v1/bookings/{booking.pk}/{path}/")
        assert answer.json()["code"] == code, answer.json()
    assert times(as_maya, f"bookings/{part(package, yoga).pk}/sessions") == []


def test_the_dates_for_a_booking_take_the_same_queries_however_many_there_are(
    as_maya: APIClient, package: Booking, bath: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = f"bookings/{part(package, bath).pk}/sessions"
    for count, in_days in ((1, 10), (12, 11)):
        make_sessions(bath, count, in_days=in_days)
        with django_assert_num_queries(4):
            assert times(as_maya, path)
