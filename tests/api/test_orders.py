"""A buyer's orders: nobody else's, and cheap to poll."""

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.orders.place_order import CheckoutOptions, place_order
from estuary.orders.states import Status
from estuary.payments.errors import ChargeDisputed
from estuary.payments.models import Refund
from estuary.payments.refunds.request_refund import request_refund
from tests.factories import (
    REFUNDING,
    a_free_slot,
    buy,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    place,
    signed_in,
)

pytestmark = pytest.mark.django_db


def a_credit_order(user: User, total_minor: int = 5000) -> Order:
    at = clock.now()
    order, _ = place_order(
        user=user,
        service=None,
        currency="usd",
        total_minor=total_minor,
        credits_applied_minor=0,
        lines=[],
        options=CheckoutOptions(payment_type="checkout"),
        at=at,
        expires_at=at + timedelta(minutes=15),
    )
    return order


def test_nobody_sees_orders_without_signing_in(public: APIClient) -> None:
    for address in ("/api/v1/orders/", "/api/v1/orders/ord_x/"):
        answer = public.get(address)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_paid_workshop_is_told_whole(as_maya: APIClient, maya: User, ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, name="Breath", usd=6500)
    [session] = make_sessions(workshop)
    booking = buy(maya, workshop, wish=ScheduleRequest(session_id=session.pk))
    shown = as_maya.get(f"/api/v1/orders/{booking.order.public_id}/").json()
    assert shown["order_id"] == booking.order.public_id
    assert (shown["type"], shown["status"], shown["title"]) == ("direct", "completed", "Breath")
    assert shown["service"] == {
        "id": str(workshop.pk),
        "type": "workshop",
        "name": "Breath",
        "practitioner": "Ana Ribeiro",
    }
    amounts = {
        name: shown[name] for name in ("amount", "credits_applied", "amount_due", "refunded", "refundable")
    }
    assert amounts == {
        "amount": "65.00",
        "credits_applied": "0.00",
        "amount_due": "65.00",
        "refunded": "0.00",
        "refundable": "65.00",
    }
    assert [(t["before"], t["after"], t["cause"]) for t in shown["timeline"]] == [
        ("", "pending", ""),
        ("pending", "completed", ""),
    ]
    assert [
        (line["service_name"], line["amount"], line["service_session_id"]) for line in shown["lines"]
    ] == [("Breath", "65.00", str(session.pk))]
    assert [(b["id"], b["status"]) for b in shown["bookings"]] == [(str(booking.pk), "confirmed")]
    assert (shown["failure"], shown["refunds"], shown["disputed"]) == (None, [], False)


def test_a_purchase_of_credits_has_no_service(as_maya: APIClient, maya: User) -> None:
    order = a_credit_order(maya)
    shown = as_maya.get(f"/api/v1/orders/{order.public_id}/").json()
    assert (shown["type"], shown["service"], shown["credit_amount"]) == ("credit", None, "50.00")
    assert (shown["payment_type"], shown["refundable"], shown["lines"]) == ("checkout", "0.00", [])


def test_a_decline_says_why(as_maya: APIClient, maya: User) -> None:
    order = a_credit_order(maya)
    order.change_status(Status.FAILED, cause="evt_test", at=clock.now()).save()
    order.failure_code, order.decline_code = "card_declined", "insufficient_funds"
    order.failure_message = "Your card has insufficient funds."
    order.save()
    shown = as_maya.get(f"/api/v1/orders/{order.public_id}/").json()
    assert shown["status"] == "failed"
    assert shown["failure"] == {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
    }


def test_refunds_on_their_way_are_not_refundable_again_and_strays_are_not_shown(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    order = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga))).order
    terms = {"order": order, "currency": "usd", "origin": Refund.Origin.STAFF}
    Refund.objects.create(card_minor=2000, credits_minor=500, status=Refund.Status.PENDING, **terms)
    Refund.objects.create(card_minor=1000, credits_minor=0, status=Refund.Status.FAILED, **terms)
    Refund.objects.create(
        card_minor=9000, credits_minor=0, status=Refund.Status.PENDING, is_unmatched=True, **terms
    )
    shown = as_maya.get(f"/api/v1/orders/{order.public_id}/").json()
    assert shown["refundable"] == "75.00"
    refunds = [
        (refund["amount"], refund["to_card"], refund["to_credits"], refund["status"])
        for refund in shown["refunds"]
    ]
    assert refunds == [("10.00", "10.00", "0.00", "failed"), ("25.00", "20.00", "5.00", "pending")]


def test_an_order_marked_as_disputed_is_not_refundable_as_a_refund_would_be_refused(
    as_maya: APIClient, maya: User, ana: Practitioner
) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    order = buy(maya, yoga, wish=ScheduleRequest(starts_at=a_free_slot(yoga))).order
    Order.objects.filter(pk=order.pk).update(disputed=True)
    shown = as_maya.get(f"/api/v1/orders/{order.public_id}/").json()
    assert (shown["refundable"], shown["dispute"]) == ("0.00", None)
    with pytest.raises(ChargeDisputed):
        request_refund(order=order)


def test_another_users_order_is_a_404_and_staff_may_read_it(as_tom: APIClient, maya: User) -> None:
    order = a_credit_order(maya)
    stranger = as_tom.get(f"/api/v1/orders/{order.public_id}/")
    unknown = as_tom.get("/api/v1/orders/ord_00000000000000000000/")
    assert stranger.status_code == unknown.status_code == 404
    assert stranger.json()["detail"] == unknown.json()["detail"]
    as_staff = signed_in(make_staff("Sam Okafor", *REFUNDING))
    shown = as_staff.get(f"/api/v1/orders/{order.public_id}/").json()
    assert shown["timeline"][0]["cause"] == "placed by the buyer"


def test_polling_costs_a_304_until_something_happens(as_maya: APIClient, maya: User) -> None:
    order = a_credit_order(maya)
    address = f"/api/v1/orders/{order.public_id}/"
    first = as_maya.get(address)
    assert first["Cache-Control"] == "private, no-cache"
    again = as_maya.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    order.change_status(Status.PROCESSING, cause="evt_test", at=clock.now()).save()
    order.save()
    changed = as_maya.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (changed.status_code, changed.json()["status"]) == (200, "processing")


def test_the_list_is_ones_own_newest_first_and_can_be_filtered(as_maya: APIClient, maya: User) -> None:
    a_credit_order(make_user("Tom Achterberg"))
    canceled = a_credit_order(maya)
    canceled.change_status(Status.CANCELED, cause="evt_test", at=clock.now()).save()
    canceled.save()
    pending = a_credit_order(maya)
    ids = [shown["order_id"] for shown in as_maya.get("/api/v1/orders/").json()["results"]]
    assert ids == [pending.public_id, canceled.public_id]
    page = as_maya.get("/api/v1/orders/", {"status": "canceled"}).json()
    assert [shown["order_id"] for shown in page["results"]] == [canceled.public_id]
    assert as_maya.get("/api/v1/orders/", {"status": "lost"}).status_code == 400


def test_a_detail_takes_a_constant_number_of_queries(
    as_maya: APIClient, maya: User, ana: Practitioner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    yoga = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=9, bundle_bonus=1)
    small, large = place(maya, make_service(ServiceType.PACKAGE, ana, holds=[yoga])), buy(maya, bundle).order
    # Two of them are the bearer token's. What was moved and called off is read once an order is not polled any more.
    for order, queries in ((small, 8), (large, 10)):
        with django_assert_num_queries(queries):
            as_maya.get(f"/api/v1/orders/{order.public_id}/")


def test_the_list_takes_a_constant_number_of_queries(
    as_maya: APIClient, maya: User, ana: Practitioner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        place(maya, make_service(ServiceType.PACKAGE, ana, holds=[make_service(ServiceType.SESSION, ana)]))
        with django_assert_num_queries(3):
            as_maya.get("/api/v1/orders/")
