"""Choosing the time of a part of a package or bundle: once, while it is valid, and never a seat or a slot twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.fulfilment import cancel
from estuary.bookings.models import Booking, Participant, Reservation
from estuary.bookings.order_lines import ScheduleRequest
from estuary.bookings.scheduling import schedule
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.errors import EstuaryError
from tests.factories import (
    a_free_slot,
    buy,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)


def part(package: Booking, service: Service) -> Booking:
    return package.children.get(service=service)


def ask(client: APIClient, booking: Booking, **body: Any) -> tuple[int, Any]:
    answer = client.post(f"/api/v1/bookings/{booking.pk}/schedule/", body)
    return answer.status_code, answer.json()


def assert_nothing_was_taken() -> None:
    assert not Reservation.objects.exists()
    assert not Participant.objects.exists()
    assert not ServiceSession.objects.filter(taken__gt=0).exists()
    assert CalendarEntry.objects.count() == ServiceSession.objects.count()


def test_a_1_on_1_part_takes_a_slot(as_maya: APIClient, package: Booking, yoga: Service) -> None:
    starts_at = a_free_slot(yoga)
    status, shown = ask(as_maya, part(package, yoga), start_datetime=starts_at.isoformat())
    assert status == 200
    assert shown["start_datetime"] == starts_at.isoformat().replace("+00:00", "Z")
    assert shown["needs_scheduling"] is False
    reservation = Reservation.objects.get()
    assert (reservation.status, reservation.line) == (Reservation.Status.CONFIRMED, part(package, yoga).line)
    assert reservation.calendar_entry is not None
    assert reservation.calendar_entry.during.lower == starts_at
    assert a_free_slot(yoga) != starts_at


def test_a_workshop_part_takes_a_seat(
    as_maya: APIClient, maya: User, package: Booking, bath: Service
) -> None:
    [session] = make_sessions(bath)
    status, shown = ask(as_maya, part(package, bath), service_session_id=str(session.pk))
    assert (status, shown["service_session_id"]) == (200, str(session.pk))
    assert [seat["id"] for seat in shown["sessions"]] == [str(session.pk)]
    session.refresh_from_db()
    assert session.taken == 1
    assert Participant.objects.get().user == maya
    assert Reservation.objects.get().status == Reservation.Status.CONFIRMED


def test_canceling_gives_the_scheduled_seat_and_slot_back(
    as_maya: APIClient, package: Booking, yoga: Service, bath: Service
) -> None:
    [session] = make_sessions(bath)
    ask(as_maya, part(package, bath), service_session_id=session.pk)
    ask(as_maya, part(package, yoga), start_datetime=a_free_slot(yoga).isoformat())
    with transaction.atomic():
        cancel([package], at=clock.now())
    session.refresh_from_db()
    assert session.taken == 0
    assert not Participant.objects.filter(active=True).exists()
    assert CalendarEntry.objects.count() == 1  # the workshop's own


def test_what_has_its_time_keeps_it(as_maya: APIClient, package: Booking, yoga: Service) -> None:
    child, first = part(package, yoga), a_free_slot(yoga)
    ask(as_maya, child, start_datetime=first.isoformat())
    status, problem = ask(as_maya, child, start_datetime=a_free_slot(yoga).isoformat())
    assert (status, problem["code"]) == (409, "already_scheduled")
    child.refresh_from_db()
    assert child.starts_at == first
    assert Reservation.objects.count() == 1


def test_a_taken_slot_is_a_409_and_takes_nothing(as_maya: APIClient, package: Booking, yoga: Service) -> None:
    starts_at = a_free_slot(yoga)
    buy(make_user("Tom Achterberg"), yoga, wish=ScheduleRequest(starts_at=starts_at))
    overlapping = starts_at + timedelta(minutes=30)
    status, problem = ask(as_maya, part(package, yoga), start_datetime=overlapping.isoformat())
    assert (status, problem["code"]) == (409, "slot_taken")
    assert Reservation.objects.count() == 1
    assert part(package, yoga).starts_at is None


def test_a_full_session_is_a_409_and_takes_nothing(
    as_maya: APIClient, package: Booking, bath: Service
) -> None:
    [session] = make_sessions(bath, capacity=1)
    buy(make_user("Tom Achterberg"), bath, wish=ScheduleRequest(session_id=session.pk))
    status, problem = ask(as_maya, part(package, bath), service_session_id=session.pk)
    assert (status, problem["code"]) == (409, "sold_out")
    assert part(package, bath).session is None


def test_a_second_seat_in_the_same_session_is_refused(
    as_maya: APIClient, maya: User, package: Booking, bath: Service
) -> None:
    [session] = make_sessions(bath)
    buy(maya, bath, wish=ScheduleRequest(session_id=session.pk))
    status, problem = ask(as_maya, part(package, bath), service_session_id=session.pk)
    assert (status, problem["code"]) == (409, "already_booked")


def test_when_the_validity_has_ended_it_is_too_late(
    as_maya: APIClient, package: Booking, yoga: Service
) -> None:
    starts_at = a_free_slot(yoga).isoformat()
    Booking.objects.update(valid_until=clock.now() - timedelta(seconds=1))
    status, problem = ask(as_maya, part(package, yoga), start_datetime=starts_at)
    assert (status, problem["code"]) == (409, "booking_expired")
    Booking.objects.update(valid_until=None, status=Booking.Status.EXPIRED)
    status, problem = ask(as_maya, part(package, yoga), start_datetime=starts_at)
    assert (status, problem["code"]) == (409, "booking_expired")
    assert_nothing_was_taken()


def test_a_canceled_part_can_not_be_scheduled(as_maya: APIClient, package: Booking, yoga: Service) -> None:
    with transaction.atomic():
        cancel([package], at=clock.now())
    status, problem = ask(as_maya, part(package, yoga), start_datetime=a_free_slot(yoga).isoformat())
    assert (status, problem["code"]) == (409, "booking_canceled")
    assert_nothing_was_taken()


def test_a_package_itself_has_no_time(as_maya: APIClient, package: Booking, yoga: Service) -> None:
    status, problem = ask(as_maya, package, start_datetime=a_free_slot(yoga).isoformat())
    assert (status, problem["code"]) == (409, "nothing_to_schedule")


def test_asking_badly_is_a_400_and_takes_nothing(
    as_maya: APIClient, package: Booking, yoga: Service, bath: Service, ana: Practitioner
) -> None:
    other = make_service(ServiceType.WORKSHOP, make_practitioner("Mateo Silva"))
    [foreign], slot = make_sessions(other), a_free_slot(yoga)
    cases: list[tuple[Service, dict[str, Any], str]] = [
        (yoga, {}, "scheduling_required"),
        (bath, {}, "scheduling_required"),
        (yoga, {"service_session_id": foreign.pk}, "session_not_offered"),
        (bath, {"start_datetime": slot.isoformat()}, "session_not_offered"),
        (bath, {"service_session_id": foreign.pk}, "session_not_offered"),
        (bath, {"service_session_id": 999_999}, "session_not_offered"),
        (bath, {"service_session_id": "soon"}, "invalid_request"),
        (bath, {"service_session_id": 10**30}, "invalid_request"),
        (yoga, {"start_datetime": "tomorrow"}, "invalid_request"),
        (yoga, {"start_datetime": "2020-01-01T09:00:00Z"}, "slot_in_past"),
        (yoga, {"start_datetime": "9999-12-31T23:59:00Z"}, "invalid_request"),
        (yoga, {"start_datetime": (slot + timedelta(minutes=7)).isoformat()}, "outside_availability"),
    ]
    for service, body, code in cases:
        status, problem = ask(as_maya, part(package, service), **body)
        assert (status, problem["code"]) == (400, code), (body, problem)
        assert len(problem["detail"]) > 20
    assert_nothing_was_taken()


def test_a_workshop_that_has_begun_is_refused(as_maya: APIClient, package: Booking, bath: Service) -> None:
    [session] = make_sessions(bath)
    session.starts_at = clock.now() - timedelta(minutes=5)
    session.save()
    status, problem = ask(as_maya, part(package, bath), service_session_id=session.pk)
    assert (status, problem["code"]) == (409, "session_started")


def test_of_many_who_want_the_last_seat_at_once_one_gets_it(bath: Service, ana: Practitioner) -> None:
    [session] = make_sessions(bath, capacity=1)
    package = make_service(ServiceType.PACKAGE, ana, holds=[bath])
    waiting = [buy(make_user(), package).children.get() for _ in range(4)]
    outcomes = at_once([(booking, {"session_id": session.pk}) for booking in waiting])
    assert sorted(outcomes) == ["ok", "sold_out", "sold_out", "sold_out"]
    session.refresh_from_db()
    assert (session.taken, Participant.objects.count()) == (1, 1)


def test_of_many_who_want_one_slot_at_once_one_gets_it(yoga: Service, ana: Practitioner) -> None:
    package = make_service(ServiceType.PACKAGE, ana, holds=[yoga])
    waiting = [buy(make_user(), package).children.get() for _ in range(4)]
    starts_at = a_free_slot(yoga)
    outcomes = at_once([(booking, {"starts_at": starts_at}) for booking in waiting])
    assert sorted(outcomes) == ["ok", "slot_taken", "slot_taken", "slot_taken"]


def test_a_double_click_schedules_once(yoga: Service, maya: User, ana: Practitioner) -> None:
    booking = buy(maya, make_service(ServiceType.PACKAGE, ana, holds=[yoga])).children.get()
    outcomes = at_once([(booking, {"starts_at": a_free_slot(yoga, nth=nth)}) for nth in (0, 5)])
    assert sorted(outcomes) == ["already_scheduled", "ok"]
    assert CalendarEntry.objects.count() == 1


def at_once(requests: list[tuple[Booking, dict[str, Any]]]) -> list[str]:
    """Schedule on one thread each and return what came of it: "ok" or the error's code."""

    def attempt(booking: Booking, choice: dict[str, Any]) -> str:
        try:
            schedule(booking=booking, at=clock.now(), **choice)
        except EstuaryError as error:
            return error.code
        finally:
            connection.close()
        return "ok"

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(lambda pair: attempt(*pair), requests))


@pytest.mark.parametrize(
    "start", ["2026-12-01T10:00:00", "2026-12-01", "1999-12-01T10:00:00Z", 1790000000, "soon"]
)
def test_a_start_that_does_not_say_which_moment_it_means_is_refused(
    as_maya: APIClient, package: Booking, yoga: Service, start: Any
) -> None:
    status, problem = ask(as_maya, part(package, yoga), start_datetime=start)
    assert (status, problem["code"]) == (400, "invalid_request")
    assert "with its offset" in problem["detail"]
    local = a_free_slot(yoga).replace(tzinfo=None).isoformat()
    assert ask(as_maya, part(package, yoga), start_datetime=local)[0] == 400
    assert_nothing_was_taken()
