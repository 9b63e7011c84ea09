"""A guest wants another date than the one to which the practitioner moved theirs: what is refused says what is due."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, signed_in
from tests.flows.payments.dates.acting import act, buy_seat, host, move_url
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def booked(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, **fields: Any
) -> tuple[Booking, ServiceSession, ServiceSession]:
    """Buy the first of two dates of a workshop."""
    first, second = make_sessions(make_service(ServiceType.WORKSHOP, ana, **fields), 2, in_days=20)
    buy_seat(stripe, buyer, first)
    return Booking.objects.get(), first, second


def move_by_host(stripe: Sandbox, ana: Practitioner, session: ServiceSession, *, hours: float) -> None:
    new = (clock.now() + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
    act(host(ana), move_url(session), start_datetime=new.isoformat())
    settle_everything(stripe)


def refusal_of(buyer: APIClient, booking: Booking, to: ServiceSession) -> tuple[str, str]:
    answer = buyer.post(f"/api/v1/bookings/{booking.pk}/move/", {"service_session_id": str(to.pk)})
    assert answer.status_code == 409, answer.json()
    return answer.json()["code"], answer.json()["detail"]


def due_for_declining(buyer: APIClient, booking: Booking) -> str:
    answer = buyer.get(f"/api/v1/bookings/{booking.pk}/decline/")
    assert answer.status_code == 200, answer.json()
    return str(answer.json()["returned"])


def test_who_is_too_late_to_move_a_date_that_was_moved_is_told_to_decline_it(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    booking, first, second = booked(stripe, ana, buyer, free_cancel_hours=48)
    move_by_host(stripe, ana, first, hours=30)
    code, detail = refusal_of(buyer, booking, second)
    assert code == "move_too_late"
    assert "decline the new time" in detail and "not returned" not in detail
    assert due_for_declining(buyer, booking) == "100.00"


def test_who_can_no_longer_decline_it_is_told_that_the_money_is_kept(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    booking, first, second = booked(stripe, ana, buyer, free_cancel_hours=48)
    with time_machine.travel(first.starts_at - timedelta(hours=40), tick=False):
        code, detail = refusal_of(signed_in(booking.user), booking, second)
    assert code == "move_too_late"
    assert "not returned" in detail and "decline" not in detail


def test_a_moved_date_that_has_begun_can_be_declined_and_that_is_said(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    booking, first, second = booked(stripe, ana, buyer, free_cancel_hours=24)
    move_by_host(stripe, ana, first, hours=3)
    first.refresh_from_db()
    with time_machine.travel(first.starts_at + timedelta(minutes=10), tick=False):
        again = signed_in(booking.user)
        code, detail = refusal_of(again, booking, second)
        due = due_for_declining(again, booking)
    assert (code, due) == ("booking_not_movable", "100.00")
    assert "decline the new time" in detail


def test_who_has_no_moves_left_is_not_told_that_a_moved_date_costs_money_after_its_deadline(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    booking, first, second = booked(stripe, ana, buyer, free_cancel_hours=24, max_moves=1)
    third = make_sessions(first.service, 1, in_days=60)[0]
    moved = buyer.post(f"/api/v1/bookings/{booking.pk}/move/", {"service_session_id": str(second.pk)})
    assert moved.status_code == 200, moved.json()
    code, detail = refusal_of(buyer, booking, third)
    assert code == "no_moves_left" and "for a refund" in detail
    move_by_host(stripe, ana, second, hours=24 * 40)
    code, detail = refusal_of(buyer, booking, third)
    assert code == "no_moves_left"
    assert "for a refund" not in detail and "decline the new time" in detail
    assert due_for_declining(buyer, booking) == "100.00"
