"""A buyer who wants two things at once: no hold is lost for what can't be had, and one's own hold says its name."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import pay, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sold_out_date_does_not_cost_the_one_that_is_held(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    first, second = make_sessions(workshop, 2, capacity=1)
    buying.service(other, workshop, service_session_id=str(second.pk))
    mine = buying.service(buyer, workshop, service_session_id=str(first.pk))
    wish = {"service_session_id": str(second.pk)}
    buying.refused(buyer, 409, "sold_out", service_id=str(workshop.pk), scheduling_data=wish)
    assert status_of(mine) == "pending"
    pay(stripe, mine)
    assert status_of(mine) == "completed"


def test_a_taken_slot_does_not_cost_the_one_that_is_held(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    first, second = (a_free_slot(session, nth=nth).isoformat() for nth in (0, 8))
    mine = buying.service(buyer, session, start_datetime=first)
    buying.service(other, session, start_datetime=second)
    wish = {"start_datetime": second}
    buying.refused(buyer, 409, "slot_taken", service_id=str(session.pk), scheduling_data=wish)
    assert status_of(mine) == "pending"


def test_a_wish_that_overlaps_the_old_one_moves_the_hold(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    first, second = (a_free_slot(session, nth=nth) for nth in (0, 1))
    mine = buying.service(buyer, session, start_datetime=first.isoformat())
    moved = buying.service(buyer, session, start_datetime=second.isoformat())
    assert (status_of(mine), status_of(moved)) == ("canceled", "pending")
    settle_everything(stripe)
    assert status_of(moved) == "pending"


def test_credits_that_the_old_order_took_pay_for_the_new_one(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seats = make_sessions(workshop, 2)
    orders = [
        buying.create(
            buyer,
            service_id=str(workshop.pk),
            use_credits=True,
            scheduling_data={"service_session_id": str(seat.pk)},
        )
        for seat in seats
    ]
    assert [order["credits_applied"] for order in orders] == ["40.00", "40.00"]
    assert [status_of(order) for order in orders] == ["canceled", "pending"]


def test_a_seat_that_an_unpaid_order_of_the_buyer_holds_says_which(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop, session = make_service(ServiceType.WORKSHOP, ana), make_service(ServiceType.SESSION, ana)
    [seat] = make_sessions(workshop)
    package = make_service(ServiceType.PACKAGE, ana, holds=[workshop, session], usd=15000)
    wish = {"service_session_id": str(seat.pk)}
    held = buying.service(buyer, package, items=[{"service_id": str(workshop.pk), **wish}])
    body = {"service_id": str(workshop.pk), "scheduling_data": wish}
    problem = buying.refused(buyer, 409, "held_by_your_order", **body)
    assert problem["order_id"] == held["order_id"]
    pay(stripe, held)
    buying.refused(buyer, 409, "already_booked", **body)


def test_a_slot_that_an_unpaid_order_of_the_buyer_holds_says_which(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=2, validity_days=60)
    slot = a_free_slot(session).isoformat()
    held = buying.service(buyer, bundle, items=[{"start_datetime": slot}])
    body = {"service_id": str(session.pk), "scheduling_data": {"start_datetime": slot}}
    assert buying.refused(buyer, 409, "held_by_your_order", **body)["order_id"] == held["order_id"]
    buying.refused(other, 409, "slot_taken", **body)
    answer = buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/")
    assert answer.json()["status"] == "canceled"
    assert buying.create(buyer, **body)["status"] == "pending"


def test_a_slot_that_the_buyer_has_booked_is_not_said_to_be_taken_by_another(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    slot = a_free_slot(session)
    pay(stripe, buying.service(buyer, session, start_datetime=slot.isoformat()))
    for start in (slot, slot + timedelta(minutes=30)):
        wish = {"scheduling_data": {"start_datetime": start.isoformat()}}
        body = {"service_id": str(session.pk), **wish}
        buying.refused(buyer, 409, "already_booked", **body)
        buying.refused(buyer, 409, "already_booked", **body, payment_type="checkout")
        buying.refused(other, 409, "slot_taken", **body)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=2, validity_days=60)
    items = {"scheduling_data": {"items": [{"start_datetime": slot.isoformat()}]}}
    buying.refused(buyer, 409, "already_booked", service_id=str(bundle.pk), **items)
    assert (Order.objects.count(), len(buying.bookings(buyer))) == (1, 1)


def test_a_slot_that_the_buyer_has_booked_does_not_cost_the_one_that_is_held(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    booked, second = (a_free_slot(session, nth=nth).isoformat() for nth in (0, 8))
    pay(stripe, buying.service(buyer, session, start_datetime=booked))
    held = buying.service(buyer, session, start_datetime=second)
    body = {"service_id": str(session.pk), "scheduling_data": {"start_datetime": booked}}
    buying.refused(buyer, 409, "already_booked", **body)
    assert status_of(held) == "pending"


def test_a_slot_whose_booking_was_canceled_can_be_bought_again(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    slot = a_free_slot(session).isoformat()
    pay(stripe, buying.service(buyer, session, start_datetime=slot))
    [booking] = buying.bookings(buyer)
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    assert buying.service(buyer, session, start_datetime=slot)["status"] == "pending"


def test_asking_again_for_a_page_whose_bank_is_at_work_says_so(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00", payment_type="checkout")
    buying.pay_only(stripe, order, method="us_bank_account")
    stripe.control.lose_events()
    body = {"is_credit_purchase": True, "amount": "50.00", "payment_type": "checkout"}
    buying.refused(buyer, 409, "payment_processing", **body)
    assert status_of(order) == "processing"


def test_asking_again_for_a_page_whose_bank_said_no_is_a_new_order(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00", payment_type="checkout")
    paid = buying.pay_only(stripe, order, method="us_bank_account")
    stripe.control.fail_settlement(paid["payment_intent"])
    stripe.control.lose_events()
    again = buying.credits(buyer, "50.00", payment_type="checkout")
    assert again["order_id"] != order["order_id"]
    assert (status_of(order), Order.objects.count()) == ("canceled", 2)


def test_a_practitioners_other_buyer_is_not_told_whose_hold_it_is(
    stripe: Sandbox, buyer: APIClient, other: APIClient
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"))
    [seat] = make_sessions(workshop, capacity=1)
    wish = {"service_session_id": str(seat.pk)}
    buying.service(buyer, workshop, **wish)
    problem = buying.refused(other, 409, "sold_out", service_id=str(workshop.pk), scheduling_data=wish)
    assert "order_id" not in problem
