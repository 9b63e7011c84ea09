"""Refunds of everything that is sold: from here and from the dashboard, in whole, in parts, and when they fail."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, Json, order_of, pay, posts, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def a_session(ana: Practitioner) -> tuple[Service, Json]:
    session = make_service(ServiceType.SESSION, ana)
    return session, {"start_datetime": a_free_slot(session).isoformat()}


def a_workshop(ana: Practitioner) -> tuple[Service, Json]:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    return workshop, {"service_session_id": str(make_sessions(workshop)[0].pk)}


def a_course(ana: Practitioner) -> tuple[Service, Json]:
    course = make_service(ServiceType.COURSE, ana)
    make_sessions(course, 3)
    return course, {}


def a_package(ana: Practitioner) -> tuple[Service, Json]:
    massage = make_service(ServiceType.SESSION, ana, usd=4000)
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000)
    seat = make_sessions(workshop)[0]
    package = make_service(ServiceType.PACKAGE, ana, holds=[massage, workshop], validity_days=90)
    return package, {"items": [{"service_id": str(workshop.pk), "service_session_id": str(seat.pk)}]}


def a_bundle(ana: Practitioner) -> tuple[Service, Json]:
    massage = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=3, bundle_bonus=1)
    return bundle, {"start_datetime": a_free_slot(massage).isoformat()}


type Offer = Callable[[Practitioner], tuple[Service, Json]]
OFFERS = pytest.mark.parametrize(
    "offer", [a_session, a_workshop, a_course, a_package, a_bundle], ids=lambda offer: offer.__name__
)
FROM = pytest.mark.parametrize("origin", ["staff", "dashboard"])


def bought(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, offer: Offer, card: str = buying.FINE
) -> Json:
    service, wish = offer(ana)
    order = buying.service(buyer, service, **wish)
    pay(stripe, order, card)
    assert status_of(order) == "completed"
    return order


def give_back(stripe: Sandbox, staff: APIClient, order: Json, origin: str, minor: int | None = None) -> None:
    if origin == "dashboard":
        stripe.control.refund(order["payment_intent_id"], amount=minor)
    else:
        buying.refund(staff, order, **({} if minor is None else {"amount": f"{minor / 100:.2f}"}))
    settle_everything(stripe)


def booking_states() -> set[str]:
    return set(Booking.objects.values_list("status", flat=True))


@pytest.mark.exhaustive(one_in=2)
@FROM
@OFFERS
def test_a_full_refund_cancels_and_frees_what_was_taken(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, offer: Offer, origin: str
) -> None:
    purchase = bought(stripe, buyer, ana, offer)
    give_back(stripe, staff, purchase, origin)
    order = order_of(purchase)
    assert (order.status, order.refunded_minor) == ("refunded", 10000)
    assert booking_states() == {"canceled"}
    assert not Participant.objects.filter(active=True).exists()
    assert set(ServiceSession.objects.values_list("taken", flat=True)) <= {0}
    assert set(Reservation.objects.values_list("status", flat=True)) == {"released"}
    assert Refund.objects.get().origin == origin


@pytest.mark.exhaustive(one_in=2)
@FROM
@OFFERS
def test_a_partial_refund_marks_and_partial_ones_up_to_the_whole_cancel(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, offer: Offer, origin: str
) -> None:
    order = bought(stripe, buyer, ana, offer)
    give_back(stripe, staff, order, origin, 1)
    assert (status_of(order), booking_states()) == ("partially_refunded", {"partially_refunded"})
    assert Participant.objects.filter(active=True).count() == sum(
        ServiceSession.objects.values_list("taken", flat=True)
    )
    give_back(stripe, staff, order, origin, 3333)
    assert (order_of(order).refunded_minor, booking_states()) == (3334, {"partially_refunded"})
    give_back(stripe, staff, order, origin, 6666)
    assert (status_of(order), booking_states()) == ("refunded", {"canceled"})
    assert sorted(Refund.objects.values_list("card_minor", flat=True)) == [1, 3333, 6666]


@OFFERS
def test_a_refund_that_fails_after_it_succeeded_gives_the_order_back_and_leaves_canceled_what_is_canceled(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, offer: Offer
) -> None:
    purchase = bought(stripe, buyer, ana, offer)
    give_back(stripe, staff, purchase, "staff")
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    order, refund = order_of(purchase), Refund.objects.get()
    assert (order.status, order.refunded_minor, booking_states()) == ("completed", 0, {"canceled"})
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    assert buying.detail(buyer, purchase)["refundable"] == "100.00"
    give_back(stripe, staff, purchase, "staff")
    assert status_of(purchase) == "refunded"


def test_a_partial_refund_that_fails_later_unmarks_the_booking(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    order = bought(stripe, buyer, ana, a_workshop)
    give_back(stripe, staff, order, "staff", 2500)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (status_of(order), booking_states()) == ("completed", {"confirmed"})


@FROM
def test_a_pending_refund_has_no_effect_until_it_reaches_the_buyer(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, origin: str
) -> None:
    order = bought(stripe, buyer, ana, a_session, REFUND_PENDS)
    give_back(stripe, staff, order, origin)
    assert (Refund.objects.get().status, status_of(order), booking_states()) == (
        "pending",
        "completed",
        {"confirmed"},
    )
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
    stripe.control.succeed_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (Refund.objects.get().status, status_of(order)) == ("succeeded", "refunded")


@FROM
def test_a_pending_refund_that_fails_changes_nothing_but_is_told(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    ana: Practitioner,
    origin: str,
    mailoutbox: list[Any],
    settings: Settings,
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = bought(stripe, buyer, ana, a_session, REFUND_PENDS)
    give_back(stripe, staff, order, origin)
    mailoutbox.clear()
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (Refund.objects.get().status, status_of(order), booking_states()) == (
        "failed",
        "completed",
        {"confirmed"},
    )
    assert {(mail.to[0], mail.subject.partition(" for ")[0]) for mail in mailoutbox} == {
        ("staff@estuary.example", "[Estuary alert] refund_failed"),
        (order_of(order).user.email, "Your refund"),
    }


@pytest.mark.parametrize("delivered", ["charge.refunded", "refund.*"])
@FROM
def test_one_kind_of_refund_event_is_enough(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, delivered: str, origin: str
) -> None:
    order = bought(stripe, buyer, ana, a_course)
    lost = "refund.*" if delivered == "charge.refunded" else "charge.refunded"
    stripe.faults.add("drop", lost, times=None)
    give_back(stripe, staff, order, origin, 4000)
    assert (order_of(order).refunded_minor, booking_states()) == (4000, {"partially_refunded"})
    give_back(stripe, staff, order, origin)
    assert (status_of(order), booking_states()) == ("refunded", {"canceled"})


def test_a_refund_whose_answer_was_lost_is_sent_again_under_its_key_and_made_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    order = bought(stripe, buyer, ana, a_session)
    stripe.faults.add("timeout_after", "POST /v1/refunds")
    assert buying.refund(staff, order)["status"] == "requested"
    settle_everything(stripe)
    assert (Refund.objects.get().status, status_of(order)) == ("succeeded", "refunded")
    assert len(stripe.state.store.refunds) == 1


def test_pressing_refund_twice_gives_the_money_back_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    order = bought(stripe, buyer, ana, a_session)
    buying.refund(staff, order)
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
    settle_everything(stripe)
    assert len(posts(stripe, "/v1/refunds")) == 1


def test_our_refund_that_races_the_dashboard_never_returns_more_than_was_paid(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    order = bought(stripe, buyer, ana, a_session)
    stripe.control.refund(order["payment_intent_id"], amount=7000)  # its event is still under way
    refund = buying.refund(staff, order, amount="50.00")
    assert refund["status"] == "failed"
    settle_everything(stripe)
    assert (status_of(order), order_of(order).refunded_minor) == ("partially_refunded", 7000)
    give_back(stripe, staff, order, "staff")
    assert (status_of(order), order_of(order).refunded_minor) == ("refunded", 10000)


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("100.01", 409, "refund_too_large"),
        ("0", 400, "invalid_amount"),
        ("-5", 400, "invalid_amount"),
        ("1.005", 400, "invalid_amount"),
        ("NaN", 400, "invalid_amount"),
    ],
)
def test_a_refund_of_a_wrong_amount_is_refused(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    ana: Practitioner,
    amount: str,
    status: int,
    code: str,
) -> None:
    order = bought(stripe, buyer, ana, a_session)
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {"amount": amount})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Refund.objects.exists()
    assert not posts(stripe, "/v1/refunds")


def test_only_staff_refunds_and_only_what_was_paid(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    service, wish = a_session(ana)
    order = buying.service(buyer, service, **wish)
    address = f"/api/v1/orders/{order['order_id']}/refunds/"
    assert (buyer.post(address).status_code, buyer.get(address).status_code) == (403, 403)
    answer = staff.post(address)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")
    pay(stripe, order)
    assert buyer.post(address).status_code == 403
    assert staff.post("/api/v1/orders/ord_unknown/refunds/").status_code == 404
    assert not Refund.objects.exists()
    buying.refund(staff, order, amount="10.00", reason="The room was cold")
    assert [row["reason"] for row in staff.get(address).json()] == ["The room was cold"]
    assert CalendarEntry.objects.count() == 1
