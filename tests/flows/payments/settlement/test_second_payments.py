"""Money that comes twice, or too late: what was bought stays bought once, and the rest goes back in full."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Delivery, Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, status_of
from tests.flows.payments.reconciliation.test_expiry import late_payment
from tests.flows.payments.settlement.test_dispute_events import paid_past_us
from tests.sandbox_bridge import deliver, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seat(ana: Practitioner) -> ServiceSession:
    return make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=1)[0]


def wish_for(seat: ServiceSession, payment_type: str = "intent") -> Json:
    wish = {"service_session_id": str(seat.pk)}
    return {"service_id": str(seat.service_id), "payment_type": payment_type, "scheduling_data": wish}


def reversed_(waiting: list[Delivery]) -> list[Delivery]:
    return waiting[::-1]


def charged_and_returned(stripe: Sandbox, intent_id: str) -> tuple[int, int]:
    """Return what was charged for a payment and what of it went back, in minor units, as Stripe has it."""
    paid = [one for one in stripe.state.store.charges if one["payment_intent"] == intent_id]
    return sum(one["amount"] for one in paid), sum(one["amount_refunded"] for one in paid)


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("arrange", [list, reversed_], ids=["in order", "reversed"])
@pytest.mark.parametrize("second_type", ["intent", "checkout"])
@pytest.mark.parametrize("late_first", [True, False], ids=["late one first", "late one last"])
def test_two_tabs_two_orders_for_one_seat_both_paid_is_one_booking_and_one_refund_in_full(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    seat: ServiceSession,
    mailoutbox: list[Any],
    second_type: str,
    late_first: bool,
    arrange: Any,
) -> None:
    """The first tab's intent is canceled when the second asks; Stripe says so, and takes its money all the same."""
    first = buying.create(buyer, **wish_for(seat))
    body = wish_for(seat, second_type)
    second = buying.create(buyer, **(body | {"save_payment_method": False}))
    assert (status_of(first), status_of(second)) == ("canceled", "pending")
    if late_first:
        late_payment(stripe, first)
        buying.pay_only(stripe, second)
    else:
        buying.pay_only(stripe, second)
        deliver(stripe)
        late_payment(stripe, first)
    deliver(stripe, arrange)
    settle_everything(stripe)
    assert (status_of(first), status_of(second)) == ("refunded", "completed")
    assert charged_and_returned(stripe, first["payment_intent_id"]) == (10_000, 10_000)
    assert charged_and_returned(stripe, order_of(second).stripe_payment_intent_id) == (10_000, 0)
    seat.refresh_from_db()
    assert (Booking.objects.count(), Participant.objects.count(), seat.taken) == (1, 1, 1)
    assert any("too late" in mail.subject and mail.to == [maya.email] for mail in mailoutbox)


def test_money_that_comes_when_the_seat_is_sold_to_another_goes_back_in_full_and_the_buyer_is_told(
    stripe: Sandbox,
    buyer: APIClient,
    other: APIClient,
    maya: User,
    seat: ServiceSession,
    mailoutbox: list[Any],
) -> None:
    late = buying.create(buyer, **wish_for(seat))
    Order.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert overdue.expire_orders() == 1
    sold = buying.create(other, **wish_for(seat))
    pay(stripe, sold)
    late_payment(stripe, late)
    settle_everything(stripe)
    assert (status_of(late), status_of(sold)) == ("refunded", "completed")
    assert charged_and_returned(stripe, late["payment_intent_id"]) == (10_000, 10_000)
    seat.refresh_from_db()
    assert (seat.taken, Participant.objects.get().user == maya) == (1, False)
    assert [mail.to for mail in mailoutbox if "too late" in mail.subject] == [[maya.email]]


@pytest.mark.parametrize("by", ["us", "the dashboard, after us", "the dashboard, in part"])
def test_when_one_of_two_charges_of_an_order_goes_back_the_booking_stays(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    settings: Settings,
    mailoutbox: list[Any],
    by: str,
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    session = make_service(ServiceType.SESSION, ana)
    purchase = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    pay(stripe, purchase)
    second = paid_past_us(
        stripe, 10_000, customer=order_of(purchase).stripe_customer_id, order_id=purchase["order_id"]
    )
    if by == "us":
        settle_everything(stripe)
    else:
        stripe.control.refund(second, None if "after" in by else 4_000)
        deliver(stripe)
        settle_everything(stripe)
    order = order_of(purchase)
    assert (order.status, order.refunded_minor, Booking.objects.get().status) == ("completed", 0, "confirmed")
    assert charged_and_returned(stripe, purchase["payment_intent_id"]) == (10_000, 0)
    assert charged_and_returned(stripe, second) == (10_000, 10_000)
    assert not any("refund_failed" in mail.subject for mail in mailoutbox)
    assert any("payment_quarantined" in mail.subject for mail in mailoutbox)
    assert buying.detail(buyer, purchase)["refundable"] == "100.00"


def test_a_charge_that_was_declined_before_the_one_that_went_through_changes_nothing_when_it_is_refunded(
    stripe: Sandbox, buyer: APIClient, seat: ServiceSession
) -> None:
    order = buying.create(buyer, **wish_for(seat))
    pay(stripe, order, buying.DECLINED)
    pay(stripe, order)
    stripe.control.refund(order["payment_intent_id"], 2_500)
    settle_everything(stripe)
    assert (status_of(order), Booking.objects.get().status) == ("partially_refunded", "partially_refunded")
    assert Refund.objects.get().card_minor == 2_500


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize("change", ["repriced", "deactivated", "deleted"])
def test_what_was_ordered_is_handed_over_as_it_was_sold_whatever_becomes_of_the_service(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, change: str, payment_type: str
) -> None:
    session = make_service(ServiceType.SESSION, ana, name="Deep rest", usd=8_000)
    slot = a_free_slot(session)
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        payment_type=payment_type,
        scheduling_data={"start_datetime": slot.isoformat()},
    )
    if change == "repriced":
        session.prices.update(amount_minor=99_900)
    elif change == "deactivated":
        Service.objects.filter(pk=session.pk).update(active=False)
    else:
        session.delete()
    pay(stripe, order)
    shown, [booked] = buying.detail(buyer, order), buying.bookings(buyer)
    assert (shown["status"], shown["amount"], shown["title"]) == ("completed", "80.00", "Deep rest")
    assert (booked["status"], booked["service_name"], booked["amount"]) == ("confirmed", "Deep rest", "80.00")
    assert booked["start_datetime"] == slot.isoformat().replace("+00:00", "Z")
    answer = buyer.post(f"/api/v1/bookings/{booked['id']}/cancel/").json()
    assert answer["refund"]["amount"] == "80.00"
    settle_everything(stripe)
    assert status_of(order) == "refunded"
