"""What has taken place or lapsed stays so: neither a refund nor a cancellation brings it back or takes it away."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation import BookingNotCancelable, cancel_booking, cancel_without_refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, Json, order_of, pay, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CLOSED = pytest.mark.parametrize("closed", [True, False], ids=["closed", "not closed yet"])


@pytest.fixture
def package(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    """A workshop (60.00, with a seat), a course (50.00, two dates) and a session (40.00, open), paid."""
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000)
    course = make_service(ServiceType.COURSE, make_practitioner("Clara Nunes"), usd=5000)
    massage = make_service(ServiceType.SESSION, ana, usd=4000)
    make_sessions(course, 2)
    seat = make_sessions(workshop)[0]
    package = make_service(
        ServiceType.PACKAGE, ana, holds=[workshop, course, massage], usd=15000, validity_days=90
    )
    wish = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    order = buying.service(buyer, package, items=[wish])
    pay(stripe, order)
    return order


def part(service_type: str) -> Booking:
    return Booking.objects.get(service_type=service_type)


def takes_place(booking: Booking, *, ended: bool = True) -> None:
    """Let the last date of a booking have begun five hours ago; it is over since an hour, or goes on for another."""
    at = clock.now()
    begin, end = at - timedelta(hours=5), at + timedelta(hours=-1 if ended else 1)
    first = begin
    seats = ServiceSession.objects.filter(service=booking.service)
    for weeks, session in enumerate(seats.order_by("-starts_at")):
        first = begin - timedelta(weeks=weeks)
        session.starts_at, session.ends_at = first, end - timedelta(weeks=weeks)
        session.save()
    Booking.objects.filter(pk=booking.pk).update(starts_at=first, ends_at=end)


def lapses(order: Json) -> None:
    Booking.objects.filter(order=order_of(order)).update(valid_until=clock.now() - timedelta(days=1))


def close() -> None:
    bookings.close_past(at=clock.now())


def states() -> dict[str, str]:
    return dict(Booking.objects.order_by("position").values_list("service_type", "status"))


def taken(service_type: str) -> set[int]:
    return set(ServiceSession.objects.filter(service__type=service_type).values_list("taken", flat=True))


@pytest.fixture
def bundle(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    massage = make_service(ServiceType.SESSION, ana)
    bundle = make_service(
        ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=4, usd=40000, validity_days=30
    )
    order = buying.service(buyer, bundle)
    pay(stripe, order)
    return order


def test_a_partial_refund_brings_no_lapsed_booking_back(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, bundle: Json
) -> None:
    lapses(bundle)
    close()
    buying.refund(staff, bundle, amount="5.00")
    settle_everything(stripe)
    assert list(Booking.objects.order_by("position").values_list("status", flat=True)) == [
        "completed",
        *4 * ["expired"],
    ]
    for booking in Booking.objects.all():
        answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
        assert (answer.status_code, answer.json()["code"]) == (409, "booking_not_cancelable")
    assert order_of(bundle).refunded_minor == 500


@CLOSED
def test_a_lapsed_booking_is_not_canceled_for_money(
    stripe: Sandbox, buyer: APIClient, bundle: Json, closed: bool
) -> None:
    lapses(bundle)
    if closed:
        close()
    for booking in Booking.objects.all():
        answer = buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
        assert (answer.status_code, answer.json()["code"]) == (409, "booking_not_cancelable")
    assert not Refund.objects.exists()


def test_what_was_scheduled_in_time_can_be_canceled_after_the_validity_has_ended(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, bundle: Json
) -> None:
    first = Booking.objects.get(position=1)
    assert first.service is not None
    start = a_free_slot(first.service).isoformat()
    assert buyer.post(f"/api/v1/bookings/{first.pk}/schedule/", {"start_datetime": start}).status_code == 200
    lapses(bundle)
    assert buyer.post(f"/api/v1/bookings/{first.pk}/cancel/").json()["refund"]["amount"] == "100.00"


def test_a_partial_refund_marks_what_is_to_come_and_not_what_took_place(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    takes_place(part("workshop"))
    close()
    buying.refund(staff, package, amount="10.00")
    settle_everything(stripe)
    assert states() == {
        "package": "partially_refunded",
        "workshop": "completed",
        "course": "partially_refunded",
        "session": "partially_refunded",
    }
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert states() == {
        "package": "confirmed",
        "workshop": "completed",
        "course": "confirmed",
        "session": "confirmed",
    }


def test_partially_refunded_bookings_are_completed_and_expire_as_all_others(
    stripe: Sandbox, staff: APIClient, package: Json
) -> None:
    buying.refund(staff, package, amount="10.00")
    settle_everything(stripe)
    takes_place(part("workshop"))
    lapses(package)
    close()
    assert states() == {
        "package": "completed",
        "workshop": "completed",
        "course": "partially_refunded",
        "session": "expired",
    }


@CLOSED
def test_a_buyer_who_cancels_a_package_keeps_what_took_place(
    stripe: Sandbox, buyer: APIClient, package: Json, closed: bool
) -> None:
    takes_place(part("workshop"))
    if closed:
        close()
    answer = buyer.post(f"/api/v1/bookings/{part('package').pk}/cancel/").json()
    assert answer["refund"]["amount"] == "90.00"
    settle_everything(stripe)
    close()
    assert states() == {
        "package": "canceled",
        "workshop": "completed",
        "course": "canceled",
        "session": "canceled",
    }
    assert (taken("workshop"), taken("course")) == ({1}, {0})
    assert Participant.objects.get(active=True).booking == part("workshop")


def test_what_goes_on_is_not_canceled_with_its_package(
    stripe: Sandbox, buyer: APIClient, package: Json
) -> None:
    takes_place(part("course"), ended=False)
    answer = buyer.post(f"/api/v1/bookings/{part('package').pk}/cancel/").json()
    assert answer["refund"]["amount"] == "100.00"
    settle_everything(stripe)
    assert (states()["course"], taken("course")) == ("confirmed", {1})


@CLOSED
def test_a_partial_refund_that_cancels_leaves_what_took_place(
    stripe: Sandbox, staff: APIClient, package: Json, closed: bool
) -> None:
    takes_place(part("workshop"))
    if closed:
        close()
    buying.refund(staff, package, amount="10.00", cancel_booking=True)
    settle_everything(stripe)
    close()
    assert states() == {
        "package": "canceled",
        "workshop": "completed",
        "course": "canceled",
        "session": "canceled",
    }
    assert (status_of(package), taken("workshop"), taken("course")) == ("partially_refunded", {1}, {0})


def test_what_took_place_while_a_refund_was_at_its_bank_stays(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000)
    massage = make_service(ServiceType.SESSION, ana, usd=4000)
    seat = make_sessions(workshop)[0]
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, workshop], validity_days=90)
    wish = {"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}
    order = buying.service(buyer, package, items=[wish])
    pay(stripe, order, REFUND_PENDS)
    buying.refund(staff, order, amount="10.00", cancel_booking=True)
    takes_place(part("workshop"))
    stripe.control.succeed_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    close()
    assert states() == {"package": "canceled", "workshop": "completed", "session": "canceled"}


@pytest.mark.parametrize("origin", ["staff", "dashboard"])
def test_a_full_refund_cancels_all_that_is_active_and_leaves_what_is_completed(
    stripe: Sandbox, staff: APIClient, package: Json, origin: str
) -> None:
    takes_place(part("workshop"))
    takes_place(part("course"), ended=False)
    close()
    if origin == "staff":
        buying.refund(staff, package)
    else:
        stripe.control.refund(package["payment_intent_id"])
    settle_everything(stripe)
    assert states() == {
        "package": "canceled",
        "workshop": "completed",
        "course": "canceled",
        "session": "canceled",
    }
    assert (status_of(package), taken("workshop"), taken("course")) == ("refunded", {1}, {0})


def test_a_refund_of_a_part_that_took_place_leaves_it_completed(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json
) -> None:
    attended = part("workshop")
    takes_place(attended)
    close()
    buying.refund(staff, package, booking_id=str(attended.pk), amount="10.00")
    settle_everything(stripe)
    buying.refund(staff, package, booking_id=str(attended.pk), cancel_booking=True)
    settle_everything(stripe)
    assert (states()["workshop"], states()["package"], taken("workshop")) == (
        "completed",
        "partially_refunded",
        {1},
    )
    with pytest.raises(BookingNotCancelable):
        cancel_booking(booking=attended, by=attended.user)
    assert order_of(package).refunded_minor == 6000


def test_staff_cancels_one_that_was_not_come_to_and_nothing_else_that_has_begun(
    stripe: Sandbox, package: Json
) -> None:
    takes_place(part("course"), ended=False)
    takes_place(part("workshop"))
    cancel_without_refund(booking=part("workshop"))
    assert states()["workshop"] == "canceled"
    cancel_without_refund(booking=part("package"))
    assert states() == {
        "package": "canceled",
        "workshop": "canceled",
        "course": "confirmed",
        "session": "canceled",
    }
