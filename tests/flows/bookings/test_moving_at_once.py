"""Moves at the same moment, on real threads and connections: one gets the place, the others keep theirs."""

from collections import Counter

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, BookingMove, Participant
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.doctor import SAFETY, run_checks
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, buy, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import CREATE
from tests.flows.test_crowds import all_at_once, answer_to, tabs_of

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 12


@pytest.fixture(autouse=True)
def healthy() -> object:
    """The books balance afterwards, by the rules about places and moves."""
    yield
    rules = [rule for rule in SAFETY if rule.code in PLACES]
    assert len(rules) == len(PLACES)
    assert run_checks(rules, at=clock.now()).violations == []


PLACES = {
    "seats_off", "seat_without_participant", "booking_without_place", "calendar_differs", "time_differs",
    "length_differs", "place_differs", "moves_miscounted", "moved_too_late", "practitioner_twice",
    "time_taken_for_nobody", "canceled_keeps_place",
}  # fmt: skip


@pytest.fixture
def yoga(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, name="Yoga")


def guests_of(service: Service, how_many: int, *, apart: int = 2) -> list[Booking]:
    """Buyers with a slot of their own each."""
    return [
        buy(make_user(), service, wish=ScheduleRequest(starts_at=a_free_slot(service, nth=apart)))
        for _ in range(how_many)
    ]


def url_of(booking: Booking) -> str:
    return f"/api/v1/bookings/{booking.pk}/move/"


def test_of_many_who_move_to_one_slot_one_gets_it(yoga: Service) -> None:
    bookings, slot = guests_of(yoga, CROWD), a_free_slot(yoga)
    body = {"start_datetime": slot.isoformat()}
    answers = Counter(all_at_once([answer_to(signed_in(row.user), url_of(row), body) for row in bookings]))
    assert answers == {(200, ""): 1, (409, "slot_taken"): CROWD - 1}
    assert CalendarEntry.objects.count() == CROWD
    assert BookingMove.objects.count() == 1


def test_of_many_who_move_to_the_last_seat_one_gets_it(ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    full, last = make_sessions(workshop, 2, capacity=CROWD)
    ServiceSession.objects.filter(pk=last.pk).update(capacity=1)
    bookings = [buy(make_user(), workshop, wish=ScheduleRequest(session_id=full.pk)) for _ in range(CROWD)]
    body = {"service_session_id": str(last.pk)}
    answers = Counter(all_at_once([answer_to(signed_in(row.user), url_of(row), body) for row in bookings]))
    assert answers == {(200, ""): 1, (409, "sold_out"): CROWD - 1}
    assert dict(ServiceSession.objects.values_list("pk", "taken")) == {full.pk: CROWD - 1, last.pk: 1}
    assert Participant.objects.filter(active=True, session=last).count() == 1


def test_two_who_change_places_wait_for_nobody_for_ever(yoga: Service, ana: Practitioner) -> None:
    first, second = guests_of(yoga, 2)
    assert first.starts_at and second.starts_at
    wishes = [(first, second.starts_at), (second, first.starts_at)]
    answers = all_at_once(
        [
            answer_to(signed_in(row.user), url_of(row), {"start_datetime": to.isoformat()})
            for row, to in wishes
        ]
    )
    assert {code for _, code in answers} <= {"", "slot_taken"}
    workshop = make_service(ServiceType.WORKSHOP, ana)
    dates = make_sessions(workshop, 2, capacity=2)
    seats = [buy(make_user(), workshop, wish=ScheduleRequest(session_id=date.pk)) for date in dates]
    answers = all_at_once(
        [
            answer_to(signed_in(row.user), url_of(row), {"service_session_id": str(to.pk)})
            for row, to in zip(seats, reversed(dates), strict=True)
        ]
    )
    assert answers == [(200, ""), (200, "")]


def test_a_booking_moved_in_many_tabs_at_once_is_moved_as_often_as_was_sold(
    maya: User, yoga: Service
) -> None:
    booking = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    starts = [a_free_slot(yoga, nth=2 + 3 * number).isoformat() for number in range(6)]
    tabs = zip(tabs_of(maya, 6), starts, strict=True)
    answers = Counter(
        all_at_once([answer_to(tab, url_of(booking), {"start_datetime": to}) for tab, to in tabs])
    )
    assert answers == {(200, ""): 2, (409, "no_moves_left"): 4}


def test_a_double_click_is_one_move(maya: User, yoga: Service) -> None:
    booking = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga)))
    body = {"start_datetime": a_free_slot(yoga, nth=9).isoformat()}
    answers = all_at_once([answer_to(tab, url_of(booking), body) for tab in tabs_of(maya, 4)])
    assert set(answers) == {(200, "")}
    assert BookingMove.objects.count() == 1


def test_a_booking_that_is_moved_and_canceled_at_once_ends_in_one_of_both_ways(
    stripe: Sandbox, maya: User, buyer: APIClient, yoga: Service
) -> None:
    buying.pay(stripe, buying.service(buyer, yoga, start_datetime=a_free_slot(yoga).isoformat()))
    booking = Booking.objects.get()
    body = {"start_datetime": a_free_slot(yoga, nth=9).isoformat()}
    moves, cancels = tabs_of(maya, 2)
    answers = all_at_once(
        [
            answer_to(moves, url_of(booking), body),
            answer_to(cancels, f"/api/v1/bookings/{booking.pk}/cancel/", {}),
        ]
    )
    assert answers[1] == (200, "")
    assert answers[0] in {(200, ""), (409, "booking_canceled")}
    assert not CalendarEntry.objects.exists()


def test_a_move_and_a_purchase_of_the_same_slot_at_once_have_one_winner(
    stripe: Sandbox, buyer: APIClient, other: APIClient, yoga: Service
) -> None:
    buying.pay(stripe, buying.service(other, yoga, start_datetime=a_free_slot(yoga, nth=9).isoformat()))
    booking = Booking.objects.get()
    slot = a_free_slot(yoga).isoformat()
    purchase = {"service_id": str(yoga.pk), "scheduling_data": {"start_datetime": slot}}
    answers = all_at_once(
        [
            answer_to(other, url_of(booking), {"start_datetime": slot}),
            answer_to(buyer, CREATE, purchase),
        ]
    )
    assert sorted(answers) in ([(200, ""), (409, "slot_taken")], [(201, ""), (409, "slot_taken")])
