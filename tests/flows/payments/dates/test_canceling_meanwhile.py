"""A guest cancels while a date is called off, or after it was moved: never for less than what was promised."""

from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import DateChangeRow, Refund
from estuary.payments.refunds.cancellation import BookingNotCancelable, cancel_without_refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.dates.acting import (
    MIXED,
    act,
    buy_seat,
    call_off_url,
    host,
    move_url,
    refusal,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LONG_NOTICE = 24 * 30


@pytest.fixture
def strict(ana: Practitioner) -> ServiceSession:
    """A workshop in ten days, which can't be canceled for money any more."""
    service = make_service(ServiceType.WORKSHOP, ana, name="Breathwork", free_cancel_hours=LONG_NOTICE)
    [session] = make_sessions(service, capacity=20, in_days=10)
    return session


def cancel_url(booking: Booking) -> str:
    return f"/api/v1/bookings/{booking.pk}/cancel/"


def decline_url(booking: Booking) -> str:
    return f"/api/v1/bookings/{booking.pk}/decline/"


def refunded(order: buying.Json) -> tuple[str, int]:
    row = buying.order_of(order)
    return row.status, row.refunded_minor


def move_to(me: APIClient, session: ServiceSession, start: datetime) -> None:
    act(me, move_url(session), start_datetime=start.isoformat())


def test_a_late_guest_can_not_cancel_for_nothing_while_the_call_off_waits(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, strict)
    booking = Booking.objects.get()
    act(host(ana), call_off_url(strict))
    for answer in (buyer.get(cancel_url(booking)), buyer.post(cancel_url(booking))):
        assert refusal(answer) == (409, "booking_not_cancelable")
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


def test_staff_can_not_keep_the_price_while_the_call_off_waits(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, strict)
    act(host(ana), call_off_url(strict))
    with pytest.raises(BookingNotCancelable):
        cancel_without_refund(booking=Booking.objects.get())
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


def test_staff_can_not_keep_the_price_of_a_package_while_the_call_off_of_a_part_waits(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = _buy_package(stripe, buyer, ana, strict)
    act(host(ana), call_off_url(strict))
    with pytest.raises(BookingNotCancelable):
        cancel_without_refund(booking=Booking.objects.get(position=0))
    settle_everything(stripe)
    assert refunded(order) == ("partially_refunded", 5_000)


def _buy_package(stripe: Sandbox, buyer: APIClient, ana: Practitioner, first: ServiceSession) -> buying.Json:
    """Buy a package of a seat and of a part that has no time yet, for 50.00 each."""
    other = make_service(ServiceType.WORKSHOP, ana, name="Cacao")
    package = make_service(ServiceType.PACKAGE, ana, holds=[first.service, other], usd=10_000)
    item = {"service_id": str(first.service_id), "service_session_id": str(first.pk)}
    order = buying.create(buyer, service_id=str(package.pk), scheduling_data={"items": [item]})
    buying.pay(stripe, order)
    return order


@pytest.mark.parametrize("of_one_part", [False, True])
def test_staff_can_not_cancel_for_a_part_of_the_price_while_the_call_off_waits(
    stripe: Sandbox,
    ana: Practitioner,
    strict: ServiceSession,
    buyer: APIClient,
    staff: APIClient,
    of_one_part: bool,
) -> None:
    order = _buy_package(stripe, buyer, ana, strict) if of_one_part else buy_seat(stripe, buyer, strict)
    act(host(ana), call_off_url(strict))
    url = f"/api/v1/orders/{order['order_id']}/refunds/"
    booking = Booking.objects.get(session=strict)
    part = {"booking_id": str(booking.pk)} if of_one_part else {}
    answer = staff.post(url, part | {"amount": "10.00", "cancel_booking": True})
    assert refusal(answer) == (409, "not_refundable")
    assert "called off" in answer.json()["detail"]
    # Money alone may go back: the call-off returns the rest.
    assert staff.post(url, part | {"amount": "10.00"}).status_code == 201
    settle_everything(stripe)
    assert refunded(order) == (("partially_refunded", 5_000) if of_one_part else ("refunded", 10_000))


def test_who_pays_while_the_call_off_waits_can_not_cancel_for_nothing(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = buying.service(buyer, strict.service, service_session_id=str(strict.pk))
    change = act(host(ana), call_off_url(strict))
    rows = DateChangeRow.objects.filter(change__public_id=change["change_id"])
    assert [row.booking_id for row in rows] == [None]
    buying.pay_only(stripe, order)
    # The payment is settled before the call-off reaches the order.
    buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    booking = Booking.objects.get()
    assert refusal(buyer.post(cancel_url(booking))) == (409, "booking_not_cancelable")
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


def test_a_late_guest_of_a_slot_can_not_cancel_for_nothing_while_it_is_called_off(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    lesson = make_service(ServiceType.SESSION, ana, free_cancel_hours=LONG_NOTICE)
    order = buying.service(buyer, lesson, start_datetime=a_free_slot(lesson).isoformat())
    buying.pay(stripe, order)
    booking = Booking.objects.get()
    act(host(ana), f"/api/v1/roster/bookings/{booking.pk}/call-off/")
    assert refusal(buyer.post(cancel_url(booking))) == (409, "booking_not_cancelable")
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


@pytest.fixture
def package(ana: Practitioner, strict: ServiceSession) -> Service:
    """A workshop and a 1-on-1, which can't be canceled for money once they have a time."""
    lesson = make_service(ServiceType.SESSION, ana, usd=5_000)
    return make_service(
        ServiceType.PACKAGE,
        ana,
        holds=[strict.service, lesson],
        validity_days=90,
        free_cancel_hours=LONG_NOTICE,
    )


def buy_package(stripe: Sandbox, buyer: APIClient, package: Service, session: ServiceSession) -> buying.Json:
    items = [{"service_id": str(session.service_id), "service_session_id": str(session.pk)}]
    order = buying.create(buyer, service_id=str(package.pk), scheduling_data={"items": items})
    buying.pay(stripe, order)
    return order


def test_a_package_with_a_part_that_is_called_off_can_be_canceled_once_the_part_is_refunded(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, package: Service, buyer: APIClient
) -> None:
    order = buy_package(stripe, buyer, package, strict)
    whole, part, lesson = Booking.objects.order_by("position")
    act(host(ana), call_off_url(strict))
    assert refusal(buyer.post(cancel_url(whole))) == (409, "booking_not_cancelable")
    settle_everything(stripe)
    part.refresh_from_db()
    assert (part.status, refunded(order)[1]) == ("canceled", part.amount_minor)
    assert buyer.post(cancel_url(whole)).status_code == 200
    settle_everything(stripe)
    # The 1-on-1 had no time yet.
    assert refunded(order) == ("refunded", part.amount_minor + lesson.amount_minor)


def test_another_part_of_the_package_can_be_canceled_meanwhile(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, package: Service, buyer: APIClient
) -> None:
    buy_package(stripe, buyer, package, strict)
    lesson = Booking.objects.get(position=2)
    act(host(ana), call_off_url(strict))
    answer = buyer.post(cancel_url(lesson))
    assert answer.status_code == 200, answer.json()
    assert Refund.objects.get().amount_minor == lesson.amount_minor


@pytest.mark.parametrize("tender", ["card", MIXED])
def test_canceling_a_moved_date_returns_as_much_as_declining_it(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient, tender: str
) -> None:
    order = buy_seat(stripe, buyer, strict, tender)
    booking = Booking.objects.get()
    assert buyer.get(cancel_url(booking)).json()["returned"] == "0.00"
    move_to(host(ana), strict, strict.starts_at + timedelta(hours=1))
    [shown] = buying.bookings(buyer)
    assert shown["free_cancel_until"] == shown["start_datetime"]
    assert buyer.get(decline_url(booking)).json()["returned"] == "100.00"
    assert buyer.get(cancel_url(booking)).json()["returned"] == "100.00"
    assert buyer.post(cancel_url(booking)).json()["refund"]["amount"] == "100.00"
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


def test_canceling_a_package_returns_the_share_of_its_moved_part(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, package: Service, buyer: APIClient
) -> None:
    order = buy_package(stripe, buyer, package, strict)
    whole = Booking.objects.get(position=0)
    move_to(host(ana), strict, strict.starts_at + timedelta(hours=1))
    assert buyer.post(cancel_url(whole)).status_code == 200
    settle_everything(stripe)
    assert refunded(order) == ("refunded", buying.order_of(order).total_minor)


def test_what_staff_gave_back_of_the_order_is_not_taken_from_a_moved_part(
    stripe: Sandbox,
    ana: Practitioner,
    strict: ServiceSession,
    package: Service,
    buyer: APIClient,
    staff: APIClient,
) -> None:
    order = buy_package(stripe, buyer, package, strict)
    part = Booking.objects.get(position=1)
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    move_to(host(ana), strict, strict.starts_at + timedelta(hours=1))
    assert buyer.get(cancel_url(part)).json()["returned"] == buyer.get(decline_url(part)).json()["returned"]


def test_an_inquiry_of_the_bank_keeps_no_money_of_a_moved_date(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, strict)
    booking = Booking.objects.get()
    move_to(host(ana), strict, strict.starts_at + timedelta(hours=1))
    stripe.control.dispute(order["payment_intent_id"], inquiry=True)
    settle_everything(stripe)
    assert Order.objects.get(pk=booking.order_id).disputed
    assert buyer.get(decline_url(booking)).json()["returned"] == "100.00"
    assert buyer.post(cancel_url(booking)).json()["refund"]["amount"] == "100.00"


def set_back(session: ServiceSession, *, starts: timedelta, announced: timedelta) -> None:
    """Let a moved date begin and its move be announced some time ago, as if that time had passed."""
    now = clock.now()
    session.refresh_from_db()
    session.starts_at, session.ends_at = now - starts, now
    session.save()
    Booking.objects.filter(session=session).update(starts_at=now - starts, ends_at=now)
    Participant.objects.filter(session=session).update(moved_at=now - announced)


def test_a_date_that_moves_to_a_minute_from_now_can_be_declined_for_a_day(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, strict)
    booking = Booking.objects.get()
    move_to(host(ana), strict, clock.now() + timedelta(seconds=61))
    [shown] = buying.bookings(buyer)
    moved_at = Participant.objects.get().moved_at
    assert moved_at is not None
    assert datetime.fromisoformat(shown["decline_until"]) == moved_at + timedelta(hours=24)

    set_back(strict, starts=timedelta(hours=20), announced=timedelta(hours=23))
    Booking.objects.update(status=Booking.Status.COMPLETED)
    assert buying.bookings(buyer)[0]["decline_until"] is not None
    assert refusal(buyer.post(cancel_url(booking))) == (409, "booking_not_cancelable")
    answer = buyer.post(decline_url(booking))
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["status"], answer.json()["refund"]["amount"]) == ("canceled", "100.00")
    settle_everything(stripe)
    assert refunded(order) == ("refunded", 10_000)


def test_after_that_day_a_date_that_has_begun_can_not_be_declined(
    stripe: Sandbox, ana: Practitioner, strict: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, strict)
    booking = Booking.objects.get()
    move_to(host(ana), strict, clock.now() + timedelta(seconds=61))
    set_back(strict, starts=timedelta(hours=20), announced=timedelta(hours=24, seconds=1))
    assert buying.bookings(buyer)[0]["decline_until"] is None
    assert refusal(buyer.post(decline_url(booking))) == (409, "not_moved")


def test_a_course_whose_first_meeting_moves_to_a_minute_from_now_is_declined_as_a_whole(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    course = make_service(ServiceType.COURSE, ana)
    meetings = make_sessions(course, 3)
    order = buying.service(buyer, course)
    buying.pay(stripe, order)
    move_to(host(ana), meetings[0], clock.now() + timedelta(seconds=61))
    set_back(meetings[0], starts=timedelta(hours=1), announced=timedelta(hours=2))
    answer = buyer.post(decline_url(Booking.objects.get()))
    assert answer.json()["refund"]["amount"] == "100.00", answer.json()
    settle_everything(stripe)
    assert refunded(order)[0] == "refunded"
