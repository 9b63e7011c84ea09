"""Cancelling and refunding apart from each other: a part of a package, in time, too late, or without the money."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation import BookingNotCancelable, cancel_without_refund
from stripe_sandbox import Sandbox
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_staff,
    signed_in,
)
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, posts, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def package(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    """A package of a session (40.00, open) and a workshop (60.00, with a seat), paid."""
    massage = make_service(ServiceType.SESSION, ana, usd=4000)
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000)
    seat = make_sessions(workshop)[0]
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, workshop], validity_days=90)
    wish = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    order = buying.service(buyer, package, items=[wish])
    pay(stripe, order)
    return order


@pytest.fixture
def session(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, usd=8000, free_cancel_hours=24)


def bought(stripe: Sandbox, buyer: APIClient, session: Service) -> tuple[Json, Booking]:
    order = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    pay(stripe, order)
    return order, Booking.objects.get(order__public_id=order["order_id"])


def cancel(buyer: APIClient, booking: Booking) -> Json:
    answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def states() -> list[tuple[str, str]]:
    return list(Booking.objects.order_by("position").values_list("service_type", "status"))


def test_refunding_all_of_one_child_cancels_it_alone_and_marks_its_parent(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    child = Booking.objects.get(service_type="workshop")
    refund = buying.refund(staff, package, booking_id=str(child.pk))
    assert (refund["amount"], refund["booking_id"]) == ("60.00", str(child.pk))
    settle_everything(stripe)
    assert states() == [
        ("package", "partially_refunded"),
        ("session", "confirmed"),
        ("workshop", "canceled"),
    ]
    assert ServiceSession.objects.get().taken == 0
    assert (status_of(package), order_of(package).refunded_minor) == ("partially_refunded", 6000)
    answer = staff.post(
        f"/api/v1/orders/{package['order_id']}/refunds/", {"booking_id": child.pk, "amount": "0.01"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
    buying.refund(staff, package)
    settle_everything(stripe)
    assert {status for _, status in states()} == {"canceled"}
    assert status_of(package) == "refunded"


def test_refunding_some_of_one_child_marks_it_and_asking_for_it_cancels_it(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    child = Booking.objects.get(service_type="workshop")
    buying.refund(staff, package, booking_id=str(child.pk), amount="10.00")
    settle_everything(stripe)
    assert states() == [
        ("package", "partially_refunded"),
        ("session", "confirmed"),
        ("workshop", "partially_refunded"),
    ]
    buying.refund(staff, package, booking_id=str(child.pk), amount="10.00", cancel_booking=True)
    settle_everything(stripe)
    assert dict(states())["workshop"] == "canceled"
    assert status_of(package) == "partially_refunded"


def test_a_partial_refund_of_the_parent_marks_everything_in_it(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    parent = Booking.objects.get(position=0)
    buying.refund(staff, package, booking_id=str(parent.pk), amount="10.00")
    settle_everything(stripe)
    assert {status for _, status in states()} == {"partially_refunded"}


def test_a_partial_refund_can_cancel_the_whole_order_when_asked_to(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    buying.refund(staff, package, amount="70.00", cancel_booking=True)
    settle_everything(stripe)
    assert {status for _, status in states()} == {"canceled"}
    assert status_of(package) == "partially_refunded"


def test_the_booking_of_another_order_is_not_refunded_with_this_one(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json, session: Service
) -> None:
    _, foreign = bought(stripe, buyer, session)
    answer = staff.post(f"/api/v1/orders/{package['order_id']}/refunds/", {"booking_id": str(foreign.pk)})
    assert answer.status_code == 404
    assert not Refund.objects.exists()


def test_a_booking_canceled_early_is_refunded_and_its_slot_is_free_again(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    order, booking = bought(stripe, buyer, session)
    answer = cancel(buyer, booking)
    assert (answer["status"], answer["refund"]["amount"]) == ("canceled", "80.00")
    settle_everything(stripe)
    assert status_of(order) == "refunded"
    assert not CalendarEntry.objects.exists()
    again = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "booking_not_cancelable")


def test_a_booking_canceled_late_is_not_refunded(stripe: Sandbox, buyer: APIClient, session: Service) -> None:
    order, booking = bought(stripe, buyer, session)
    assert booking.starts_at is not None
    Service.objects.filter(pk=session.pk).update(free_cancel_hours=0)  # the rule as it was sold counts
    with time_machine.travel(booking.starts_at - timedelta(hours=23), tick=False):
        cancel_late(booking)
    booking.refresh_from_db()
    assert (booking.status, status_of(order)) == ("canceled", "completed")
    assert not Refund.objects.exists()
    assert not CalendarEntry.objects.exists()


def cancel_late(booking: Booking) -> None:
    """The buyer signs in again on that day, since nobody stays signed in for so long."""
    assert cancel(signed_in(booking.user), booking)["refund"] is None


def test_what_has_begun_cannot_be_canceled(stripe: Sandbox, buyer: APIClient, session: Service) -> None:
    _, booking = bought(stripe, buyer, session)
    assert booking.starts_at is not None
    with time_machine.travel(booking.starts_at + timedelta(minutes=1), tick=False):
        answer = signed_in(booking.user).post(f"/api/v1/bookings/{booking.pk}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_not_cancelable")


def test_cancelling_one_part_of_a_package_refunds_that_part(
    stripe: Sandbox, buyer: APIClient, package: Json
) -> None:
    child = Booking.objects.get(service_type="session")
    assert cancel(buyer, child)["refund"]["amount"] == "40.00"
    settle_everything(stripe)
    assert states() == [
        ("package", "partially_refunded"),
        ("session", "canceled"),
        ("workshop", "confirmed"),
    ]


def test_cancelling_a_package_cancels_what_is_in_it(stripe: Sandbox, buyer: APIClient, package: Json) -> None:
    assert cancel(buyer, Booking.objects.get(position=0))["refund"]["amount"] == "100.00"
    settle_everything(stripe)
    assert {status for _, status in states()} == {"canceled"}
    assert status_of(package) == "refunded"


def test_a_booking_paid_with_credits_alone_gives_them_back_at_once(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "80.00")
    buying.create(
        buyer,
        service_id=str(session.pk),
        use_credits=True,
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    cancel(buyer, Booking.objects.get())
    assert buying.balance(buyer) == "80.00"


def test_staff_cancels_without_a_refund(stripe: Sandbox, buyer: APIClient, session: Service) -> None:
    order, booking = bought(stripe, buyer, session)
    cancel_without_refund(booking=booking)
    booking.refresh_from_db()
    assert (booking.status, status_of(order)) == ("canceled", "completed")
    assert not CalendarEntry.objects.exists()
    assert not posts(stripe, "/v1/refunds")
    with pytest.raises(BookingNotCancelable):
        cancel_without_refund(booking=booking)


def test_nobody_cancels_the_booking_of_another(
    stripe: Sandbox, buyer: APIClient, other: APIClient, session: Service
) -> None:
    _, booking = bought(stripe, buyer, session)
    assert other.post(f"/api/v1/bookings/{booking.pk}/cancel/").status_code == 404
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_less_than_was_shown_is_not_returned_for_a_cancellation(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    _, booking = bought(stripe, buyer, session)
    url = f"/api/v1/bookings/{booking.pk}/cancel/"
    assert booking.starts_at
    with time_machine.travel(booking.starts_at - timedelta(hours=24, minutes=1)):
        shown = signed_in(booking.user).get(url).json()["returned"]
    with time_machine.travel(booking.starts_at - timedelta(hours=23, minutes=59)):
        buyer = signed_in(booking.user)
        answer = buyer.post(url, {"returned": shown})
        assert (answer.status_code, answer.json()["code"]) == (409, "refund_changed")
        assert (answer.json()["shown"], answer.json()["returned"]) == ("80.00", "0.00")
        assert states() == [("session", "confirmed")]
        # Who has read the new sum, or is shown none, cancels all the same.
        assert buyer.post(url, {"returned": "0.00"}).json()["refund"] is None
    assert states() == [("session", "canceled")]


def test_more_than_was_shown_is_returned(stripe: Sandbox, buyer: APIClient, session: Service) -> None:
    order, booking = bought(stripe, buyer, session)
    answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/", {"returned": "10"})
    assert answer.json()["refund"]["amount"] == "80.00"
    assert status_of(order) == "refunded"


@pytest.mark.parametrize("returned", ["much", "1.234", -1])
def test_a_sum_that_is_none_cancels_nothing(
    stripe: Sandbox, buyer: APIClient, session: Service, returned: object
) -> None:
    _, booking = bought(stripe, buyer, session)
    answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/", {"returned": returned})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_amount")
    assert states() == [("session", "confirmed")]


def test_what_was_canceled_too_late_has_kept_its_price(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    order, booking = bought(stripe, buyer, session)
    assert booking.starts_at
    with time_machine.travel(booking.starts_at - timedelta(hours=23)):
        buyer, staff = signed_in(booking.user), signed_in(make_staff("Ines Duarte", *REFUNDING))
        cancel(buyer, booking)
        booking.refresh_from_db()
        assert booking.forfeited
        assert kept(buyer, order)
        staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {})
        settle_everything(stripe)
        assert not kept(buyer, order)


def kept(buyer: APIClient, order: Json) -> bool:
    """Return whether the order's page says that the price of what was canceled is kept."""
    [booking] = buyer.get(f"/api/v1/orders/{order['order_id']}/").json()["bookings"]
    return bool(booking["price_kept"])
