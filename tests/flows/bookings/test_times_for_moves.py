"""The times to which a booking can be moved: those that overlap its own are offered too, and each can be had."""

from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from estuary.bookings.models import Booking
from estuary.catalog.bounds import MOVES_MAX
from estuary.catalog.models import Service
from stripe_sandbox import Sandbox
from tests.factories import make_sessions
from tests.flows.bookings.test_moving import buy_seat, buy_slot, in_api, move

pytestmark = pytest.mark.django_db(transaction=True)


def slots(buyer: APIClient, booking: Booking) -> list[str]:
    """Return the starts to which a booking can be moved, as the API lists them for its day."""
    assert booking.starts_at
    params: dict[str, str | int] = {
        "from": booking.starts_at.date().isoformat(),
        "days": 1,
        "time_zone": "UTC",
    }
    answer = buyer.get(f"/api/v1/bookings/{booking.pk}/slots/", params)
    assert answer.status_code == 200, answer.json()
    return [slot["start_datetime"] for slot in answer.json()["slots"]]


def test_times_that_overlap_the_old_one_are_offered_and_can_be_had(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    booking = buy_slot(stripe, buyer, yoga, nth=2)
    start = booking.starts_at
    assert start
    half_an_hour = timedelta(minutes=30)
    offered = slots(buyer, booking)
    assert {in_api(start - half_an_hour), in_api(start + half_an_hour)} <= set(offered)
    assert in_api(start) not in offered
    move(buyer, booking, start + half_an_hour)
    assert in_api(start) in slots(buyer, booking)


def test_every_time_that_is_offered_for_a_move_is_accepted(
    stripe: Sandbox, buyer: APIClient, other: APIClient, yoga: Service
) -> None:
    Service.objects.update(max_moves=MOVES_MAX)
    booking = buy_slot(stripe, buyer, yoga, nth=2)
    buy_slot(stripe, other, yoga, nth=5)
    Service.objects.update(duration_min=20)  # what was sold keeps its length
    offered = slots(buyer, booking)
    assert len(offered) > 5
    for start in offered[:MOVES_MAX]:
        assert start in slots(buyer, booking)
        move(buyer, booking, datetime.fromisoformat(start))


def test_only_what_can_be_moved_is_offered_times(
    stripe: Sandbox, buyer: APIClient, yoga: Service, bath: Service
) -> None:
    seat, booking = buy_seat(stripe, buyer, bath, make_sessions(bath)[0]), buy_slot(stripe, buyer, yoga)
    buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
    for one, code in ((seat, "no_slots"), (booking, "booking_canceled")):
        answer = buyer.get(f"/api/v1/bookings/{one.pk}/slots/")
        assert answer.json()["code"] == code, answer.json()


def test_the_times_for_a_move_take_the_same_queries_however_many_there_are(
    stripe: Sandbox, buyer: APIClient, yoga: Service, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    for days in (1, 62):
        with django_assert_num_queries(6):
            assert buyer.get(f"/api/v1/bookings/{booking.pk}/slots/", {"days": days}).status_code == 200
