"""Practitioners get no mail about what they called off or moved themselves, and one about what guests or staff did."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession
from estuary.payments.dates.begin_change import Confirmation, begin_change
from estuary.payments.dates.previews import ChangeRequest, Kind, preview_change
from estuary.payments.models import DateChange
from estuary.payments.tasks import sweep_minute
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_user, signed_in
from tests.flows import buying
from tests.flows.disputing import close, dispute
from tests.flows.payments.dates.acting import DAYS, act, buy_seat, call_off_url, host, move_url
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def book(stripe: Sandbox, buyer: APIClient, lesson: Service, nth: int = 0) -> Booking:
    order = buying.service(buyer, lesson, start_datetime=a_free_slot(lesson, nth=nth).isoformat())
    buying.pay(stripe, order)
    settle_everything(stripe)
    return Booking.objects.get(order__public_id=order["order_id"])


def subjects_to(user: User) -> list[str]:
    """Return what was written to somebody since the last look."""
    subjects = [str(sent.subject) for sent in mail.outbox if sent.to == [user.email]]
    mail.outbox.clear()
    return subjects


def test_a_booking_that_a_practitioner_calls_off_is_not_reported_to_them(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    booking = book(stripe, buyer, lesson)
    assert len(subjects_to(ana.user)) == 1
    act(host(ana), f"/api/v1/roster/bookings/{booking.pk}/call-off/")
    settle_everything(stripe)
    assert booking.order.refunds.get().status == "succeeded"
    assert subjects_to(ana.user) == []


def test_days_with_many_guests_are_not_reported_guest_by_guest(
    stripe: Sandbox, ana: Practitioner, lesson: Service, workshop: ServiceSession
) -> None:
    for number in range(3):
        book(stripe, signed_in(make_user(f"Guest{number} Park")), lesson, nth=2 * number)
    buy_seat(stripe, signed_in(make_user("Group Park")), workshop)
    assert len(subjects_to(ana.user)) == 4
    starts = [one.starts_at for one in Booking.objects.exclude(session=workshop) if one.starts_at]
    days = (min(starts).date(), workshop.starts_at.date())
    act(host(ana), DAYS, first_day=days[0].isoformat(), last_day=days[1].isoformat())
    settle_everything(stripe)
    assert set(Booking.objects.values_list("status", flat=True)) == {"canceled"}
    assert subjects_to(ana.user) == []


def test_a_date_that_a_practitioner_moved_is_not_reported_when_money_goes_back(
    stripe: Sandbox, ana: Practitioner, staff: APIClient, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    assert len(subjects_to(ana.user)) == 1
    later = workshop.starts_at.replace(hour=(workshop.starts_at.hour + 1) % 24)
    act(host(ana), move_url(workshop), start_datetime=later.isoformat())
    settle_everything(stripe)
    buying.refund(staff, order, amount="10.00")
    settle_everything(stripe)
    assert subjects_to(ana.user) == []


def test_what_guests_do_is_reported_all_the_same(
    stripe: Sandbox, ana: Practitioner, lesson: Service, workshop: ServiceSession, buyer: APIClient
) -> None:
    booking, moved = book(stripe, buyer, lesson), buy_seat(stripe, buyer, workshop)
    subjects_to(ana.user)
    later = {"start_datetime": a_free_slot(lesson, nth=6).isoformat()}
    assert buyer.post(f"/api/v1/bookings/{booking.pk}/move/", later).status_code == 200
    settle_everything(stripe)
    assert len(subjects_to(ana.user)) == 1
    assert buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/").status_code == 200
    settle_everything(stripe)
    assert len(subjects_to(ana.user)) == 1
    hour = workshop.starts_at.replace(hour=(workshop.starts_at.hour + 1) % 24)
    act(host(ana), move_url(workshop), start_datetime=hour.isoformat())
    settle_everything(stripe)
    seat = Booking.objects.get(order__public_id=moved["order_id"])
    assert buyer.post(f"/api/v1/bookings/{seat.pk}/decline/").status_code == 200
    settle_everything(stripe)
    assert len(subjects_to(ana.user)) == 1


def staff_change(**request: Any) -> None:
    change = ChangeRequest(**request)
    sam = make_user("Sam Okafor")
    preview = preview_change(change)
    words = Confirmation(preview_id=preview.id, by=sam, by_staff=True, message="The boiler broke.")
    for _ in range(2):
        assert begin_change(change, words).preview_id == preview.id


def test_what_staff_call_off_is_reported_once(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    booking = book(stripe, buyer, lesson)
    subjects_to(ana.user)
    staff_change(kind=Kind.CALL_OFF, practitioner=ana, booking_id=booking.pk)
    settle_everything(stripe)
    [subject] = subjects_to(ana.user)
    assert subject.startswith("Called off by staff: ")


def test_a_date_with_many_guests_that_staff_change_is_reported_in_one_mail(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession
) -> None:
    for number in range(3):
        buy_seat(stripe, signed_in(make_user(f"Guest{number} Park")), workshop)
    subjects_to(ana.user)
    later = workshop.starts_at + timedelta(hours=1)
    staff_change(kind=Kind.MOVE, practitioner=ana, session_id=workshop.pk, starts_at=later)
    settle_everything(stripe)
    written = [sent for sent in mail.outbox if sent.to == [ana.user.email]]
    assert [sent.subject.partition(":")[0] for sent in written] == ["Moved by staff"]
    assert "All 3 guests are written to, with these words:" in written[0].body
    assert "> The boiler broke." in written[0].body
    change = DateChange.objects.get()
    assert f"/roster/change/?change={change.public_id}" in written[0].body
    assert host(ana).get(f"/api/v1/roster/changes/{change.public_id}/").status_code == 200
    mail.outbox.clear()
    staff_change(kind=Kind.CALL_OFF, practitioner=ana, session_id=workshop.pk)
    settle_everything(stripe)
    [subject] = subjects_to(ana.user)
    assert subject.startswith("Called off by staff: ")


def test_days_that_staff_call_off_are_reported_in_one_mail(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    for nth in (0, 2):
        book(stripe, buyer, lesson, nth=nth)
    subjects_to(ana.user)
    starts = sorted(one.starts_at for one in Booking.objects.all() if one.starts_at)
    staff_change(
        kind=Kind.CALL_OFF_DAYS,
        practitioner=ana,
        starts_at=starts[0] - timedelta(hours=1),
        ends_at=starts[-1] + timedelta(hours=2),
    )
    settle_everything(stripe)
    assert set(Booking.objects.values_list("status", flat=True)) == {"canceled"}
    [subject] = subjects_to(ana.user)
    assert subject.startswith("Called off by staff: All dates, ")


def test_a_date_that_is_called_off_is_not_reported_to_its_practitioner(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    subjects_to(ana.user)
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    assert subjects_to(ana.user) == []


def test_a_refund_that_waited_for_a_dispute_is_not_reported_as_a_cancellation(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    booking = book(stripe, buyer, lesson)
    opened = dispute(stripe, {"payment_intent_id": booking.order.stripe_payment_intent_id})
    subjects_to(ana.user)
    act(host(ana), f"/api/v1/roster/bookings/{booking.pk}/call-off/")
    settle_everything(stripe)
    close(stripe, opened, "won")
    sweep_minute(0)
    settle_everything(stripe)
    assert booking.order.refunds.get().status == "succeeded"
    assert subjects_to(ana.user) == []
