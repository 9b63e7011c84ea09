"""Staff move a booking to another time: by the buyer's code, beyond the buyer's limits with a reason, and audited."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from estuary.bookings.models import Booking, BookingMove
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.payments.doctor import RULES, run_checks
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, messages_on
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.disputing import dispute
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

RIGHTS = ("orders.view_order", "bookings.view_booking", "bookings.change_booking")


@pytest.fixture
def yoga() -> Service:
    return make_service(ServiceType.SESSION, make_practitioner(), name="Yoga", usd=8000)


@pytest.fixture
def booking(stripe: Sandbox, yoga: Service) -> Booking:
    order = buying.service(
        signed_in(make_user("Maya Lindqvist")), yoga, start_datetime=a_free_slot(yoga).isoformat()
    )
    buying.pay(stripe, order)
    return Booking.objects.get(order__public_id=order["order_id"])


def url_of(booking: Booking) -> str:
    return reverse("admin:payments_datechange_booking_move", args=[booking.pk])


def offered(page: Any) -> list[str]:
    """The values of the times that the page offers."""
    groups = page.context["form"].fields["time"].choices
    return [value for title, times in groups if title for value, _ in times if isinstance(times, list)]


@contextmanager
def shortly_before(booking: Booking) -> Iterator[None]:
    """The hour in which the buyer can neither move nor cancel for a refund."""
    assert booking.starts_at
    with time_machine.travel(booking.starts_at - timedelta(hours=1), tick=False):
        yield


def assert_healthy() -> None:
    assert {breach.code for breach in run_checks(RULES, at=clock.now()).violations} <= {"receipt_missing"}


def test_staff_move_a_booking_to_a_free_slot_and_the_guest_is_told(
    stripe: Sandbox, booking: Booking, yoga: Service
) -> None:
    before, client = booking.starts_at, admin_client(*RIGHTS)
    page = client.get(url_of(booking))
    times = offered(page)
    later = a_free_slot(yoga, nth=9).isoformat()
    assert later in times and before.isoformat() not in times  # type: ignore[union-attr]
    assert "Needed, because" not in page.content.decode()
    mail.outbox.clear()
    answer = client.post(url_of(booking), {"time": later, "reason": ""}, follow=True)
    assert "Yoga is moved to" in messages_on(answer)
    settle_everything(stripe)
    booking.refresh_from_db()
    assert (booking.starts_at, booking.times_moved) == (datetime.fromisoformat(later), 1)
    assert [letter.subject for letter in mail.outbox if letter.to == [booking.user.email]] == [
        "Yoga has a new time"
    ]
    move = BookingMove.objects.get()
    assert (move.by.is_staff, move.beyond_limits) == (True, False)
    [entry] = LogEntry.objects.filter(
        object_id=str(booking.order_id), change_message__contains="Moved Yoga to"
    )
    assert "beyond" not in entry.change_message
    sentences = [line.sentence for line in answer.context["timeline"]]
    assert any(line.startswith("Sam Okafor of staff moved Yoga from") for line in sentences), sentences
    assert_healthy()


def test_beyond_the_buyer_s_limits_staff_give_a_reason(booking: Booking) -> None:
    with shortly_before(booking):
        client = admin_client(*RIGHTS)
        page = client.get(url_of(booking))
        assert "Needed, because this is beyond the buyer" in page.content.decode()
        time = offered(page)[-1]
        refused = client.post(url_of(booking), {"time": time, "reason": " "})
        assert refused.context["form"].errors.keys() == {"reason"} and not BookingMove.objects.exists()
        body = {"time": time, "reason": "Her train was canceled."}
        assert "is moved to" in messages_on(client.post(url_of(booking), body, follow=True))
    move = BookingMove.objects.get()
    assert move.beyond_limits and move.to_starts_at == datetime.fromisoformat(time)
    [entry] = LogEntry.objects.filter(object_id=str(booking.order_id), change_message__contains="beyond")
    assert "Her train was canceled." in entry.change_message
    assert_healthy()


def test_more_often_than_was_sold_staff_move_it_too(booking: Booking, yoga: Service) -> None:
    client = admin_client(*RIGHTS)
    for number in range(1, 4):
        time = a_free_slot(yoga, nth=4 * number).isoformat()
        answer = client.post(url_of(booking), {"time": time, "reason": "As agreed by phone"}, follow=True)
        assert "is moved to" in messages_on(answer)
    assert list(BookingMove.objects.values_list("beyond_limits", flat=True)) == [False, False, True]
    assert_healthy()


def test_a_seat_is_moved_to_another_date_that_has_one_free(stripe: Sandbox) -> None:
    bath = make_service(ServiceType.WORKSHOP, make_practitioner(), name="Sound bath")
    first, second, full = make_sessions(bath, 3, capacity=1)
    orders = {}
    for name, session in (("Maya Lindqvist", first), ("Tom Achterberg", full)):
        orders[name] = buying.service(signed_in(make_user(name)), bath, service_session_id=str(session.pk))
        buying.pay(stripe, orders[name])
    booking = Booking.objects.get(order__public_id=orders["Maya Lindqvist"]["order_id"])
    client = admin_client(*RIGHTS)
    assert offered(client.get(url_of(booking))) == [str(second.pk)]
    refused = client.post(url_of(booking), {"time": str(full.pk)})
    assert "not free any more" in str(refused.context["form"].errors)
    assert "is moved to" in messages_on(client.post(url_of(booking), {"time": str(second.pk)}, follow=True))
    booking.refresh_from_db()
    assert booking.session_id == second.pk
    for session, taken in ((first, 0), (second, 1), (full, 1)):
        session.refresh_from_db()
        assert session.taken == taken


def test_a_time_that_was_taken_meanwhile_is_refused_and_nothing_is_lost(
    stripe: Sandbox, booking: Booking, yoga: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, before = admin_client(*RIGHTS), booking.starts_at
    slot = a_free_slot(yoga, nth=9)
    body = {"time": slot.isoformat(), "reason": "As agreed by phone"}

    def taken_between(request: Any, row: Booking, data: dict[str, str]) -> Any:
        buying.service(signed_in(make_user("Tom Achterberg")), yoga, start_datetime=slot.isoformat())
        return answer_move(request, row, data)

    from estuary.payments.admin.dates import booking_moves

    answer_move = booking_moves._answer_move
    monkeypatch.setattr(booking_moves, "_answer_move", taken_between)
    answer = client.post(url_of(booking), body, follow=True)
    assert "has just been taken" in messages_on(answer)
    assert 'value="As agreed by phone"' in answer.content.decode()
    assert slot.isoformat() not in offered(answer)
    booking.refresh_from_db()
    assert booking.starts_at == before and not BookingMove.objects.exists()
    assert not LogEntry.objects.filter(change_message__contains="Moved Yoga").exists()


def test_what_nobody_may_move_says_why(stripe: Sandbox, booking: Booking) -> None:
    dispute(stripe, {"payment_intent_id": booking.order.stripe_payment_intent_id})
    answer = admin_client(*RIGHTS).get(url_of(booking), follow=True)
    assert "is disputed, so it keeps its time" in messages_on(answer)
    assert booking.starts_at
    with time_machine.travel(booking.starts_at + timedelta(minutes=1), tick=False):
        assert "has already begun" in messages_on(admin_client(*RIGHTS).get(url_of(booking), follow=True))


@pytest.mark.parametrize("rights", [("orders.view_order",), ("orders.view_order", "bookings.view_booking")])
def test_who_may_not_change_bookings_moves_none(
    booking: Booking, yoga: Service, rights: tuple[str, ...]
) -> None:
    client = admin_client(*rights)
    assert client.get(url_of(booking)).status_code == 403
    body = {"time": a_free_slot(yoga, nth=9).isoformat()}
    assert client.post(url_of(booking), body).status_code == 403
    assert not BookingMove.objects.exists()
    assert Client().get(url_of(booking)).status_code == 302


def test_other_days_are_a_click_away_and_odd_days_do_no_harm(booking: Booking) -> None:
    client = admin_client(*RIGHTS)
    page = client.get(url_of(booking))
    assert ">Later<" in page.content.decode() and ">Earlier<" not in page.content.decode()
    first = offered(page)
    later = client.get(url_of(booking), {"from": f"{datetime.fromisoformat(first[-1]):%Y-%m-%d}"})
    assert offered(later) and offered(later)[0] > first[0] and ">Earlier<" in later.content.decode()
    for odd in ("", "yesterday", "0001-01-01", "9999-12-31", "2026-02-30"):
        assert client.get(url_of(booking), {"from": odd}).status_code == 200, odd


def test_the_pages_of_the_booking_and_of_its_order_lead_there(booking: Booking) -> None:
    client = admin_client()
    for page in (
        reverse("admin:bookings_booking_change", args=[booking.pk]),
        reverse("admin:orders_order_change", args=[booking.order_id]),
    ):
        assert url_of(booking) in client.get(page).content.decode()


def test_staff_are_offered_the_times_that_overlap_the_old_one(
    stripe: Sandbox, booking: Booking, yoga: Service
) -> None:
    client, half_an_hour = admin_client(*RIGHTS), timedelta(minutes=30)
    assert booking.starts_at
    old = booking.starts_at
    later = (old + half_an_hour).isoformat()
    assert later in offered(client.get(url_of(booking)))
    assert "Yoga is moved to" in messages_on(client.post(url_of(booking), {"time": later}, follow=True))
    times = offered(client.get(url_of(booking)))
    assert old.isoformat() in times and later not in times
    assert_healthy()
