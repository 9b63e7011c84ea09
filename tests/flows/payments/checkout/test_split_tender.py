"""Paying with credits and a card: the card's share is chargeable, and everything goes back the way it came."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import order_of, pay, posts, status_of
from tests.flows.payments.test_idempotency import send
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, usd=10000)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_credits_pay_first_and_the_card_the_rest(
    stripe: Sandbox, buyer: APIClient, session: Service, payment_type: str
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    purchase = buying.with_credits(buyer, session, payment_type)
    assert (purchase["amount"], purchase["credits_applied"], purchase["amount_due"]) == (
        "100.00",
        "40.00",
        "60.00",
    )
    assert buying.balance(buyer) == "0.00"
    pay(stripe, purchase)
    order = order_of(purchase)
    assert (order.status, order.captured_minor, Booking.objects.count()) == ("completed", 6000, 1)


def test_credits_that_cover_everything_complete_the_order_without_stripe(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "150.00")
    calls_before = len(stripe.requests)
    order = buying.with_credits(buyer, session)
    assert (order["status"], order["amount_due"]) == ("completed", "0.00")
    assert not {"client_secret", "checkout_url", "payment_intent_id"} & order.keys()
    assert len(stripe.requests) == calls_before
    assert (buying.balance(buyer), buying.bookings(buyer)[0]["status"]) == ("50.00", "confirmed")


def test_fewer_credits_are_used_when_the_card_share_would_be_too_small_to_charge(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "99.90")
    order = buying.with_credits(buyer, session)
    assert (order["credits_applied"], order["amount_due"]) == ("99.50", "0.50")
    assert buying.balance(buyer) == "0.40"
    pay(stripe, order)
    assert status_of(order) == "completed"


def test_a_price_below_the_minimum_is_paid_by_card_or_by_credits_never_by_a_part(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    cheap = make_service(ServiceType.SESSION, ana, usd=60)
    buying.buy_credits(stripe, buyer, "0.55")
    order = buying.with_credits(buyer, cheap)
    assert (order["credits_applied"], order["amount_due"]) == ("0.10", "0.50")


def test_use_credits_without_any_is_an_ordinary_card_payment(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    order = buying.with_credits(buyer, session)
    assert (order["credits_applied"], order["amount_due"]) == ("0.00", "100.00")


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_credits_that_have_grown_buy_nothing_that_was_not_shown(
    stripe: Sandbox, buyer: APIClient, session: Service, payment_type: str
) -> None:
    """The buyer saw 40.00 of credits and 60.00 by card; meanwhile credits cover all of it."""
    buying.buy_credits(stripe, buyer, "150.00")
    body = {
        "service_id": str(session.pk),
        "use_credits": True,
        "payment_type": payment_type,
        "scheduling_data": {"start_datetime": a_free_slot(session).isoformat()},
    }
    problem = buying.refused(buyer, 409, "amount_due_changed", **body, amount_due="60.00")
    assert (problem["amount_due"], problem["credits_applied"]) == ("0.00", "100.00")
    assert (buying.balance(buyer), len(buying.bookings(buyer))) == ("150.00", 0)
    assert buying.create(buyer, **body, amount_due="0.00")["status"] == "completed"


def test_an_order_is_gone_on_with_by_who_was_shown_its_share(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    body = {
        "service_id": str(session.pk),
        "use_credits": True,
        "scheduling_data": {"start_datetime": a_free_slot(session).isoformat()},
    }
    buying.refused(buyer, 409, "amount_due_changed", **body, amount_due="100.00")
    order = buying.create(buyer, **body, amount_due=60)
    buying.buy_credits(stripe, buyer, "60.00")
    problem = buying.refused(buyer, 409, "amount_due_changed", **body, amount_due="0.00")
    assert problem["amount_due"] == "60.00"
    assert buying.create(buyer, **body, amount_due="60.0")["order_id"] == order["order_id"]
    other_date = {"scheduling_data": {"start_datetime": a_free_slot(session, nth=6).isoformat()}}
    buying.refused(buyer, 409, "amount_due_changed", **body | other_date, amount_due="60.00")
    assert (status_of(order), buying.balance(buyer)) == ("pending", "60.00")


def test_a_lost_answer_is_found_whatever_share_is_shown_by_then(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "100.00")
    body = {
        "service_id": str(session.pk),
        "use_credits": True,
        "scheduling_data": {"start_datetime": a_free_slot(session).isoformat()},
    }
    first = send(buyer, body | {"amount_due": "0.00"}, "one-attempt")
    again = send(buyer, body | {"amount_due": "100.00"}, "one-attempt")
    assert (first.json()["status"], again["Idempotency-Replayed"]) == ("completed", "true")
    assert again.json() == first.json()


@pytest.mark.parametrize("amount_due", ["", "sixty", "60.001", None, True, [], {}])
def test_an_amount_due_that_is_none_is_refused(
    stripe: Sandbox, buyer: APIClient, session: Service, amount_due: object
) -> None:
    start = a_free_slot(session).isoformat()
    body = {"service_id": str(session.pk), "scheduling_data": {"start_datetime": start}}
    answer = buyer.post(buying.CREATE, body | {"amount_due": amount_due})
    assert (answer.status_code, Order.objects.count()) == (400, 0)
    assert answer.json()["code"] in {"invalid_amount", "invalid_request"}


def test_credits_are_bought_for_the_amount_that_was_shown(stripe: Sandbox, buyer: APIClient) -> None:
    body = {"is_credit_purchase": True, "amount": "25.00"}
    problem = buying.refused(buyer, 409, "amount_due_changed", **body, amount_due="20.00")
    assert problem["amount_due"] == "25.00"
    assert buying.create(buyer, **body, amount_due="25.00")["amount_due"] == "25.00"


def test_a_debt_is_never_spent(stripe: Sandbox, buyer: APIClient, session: Service) -> None:
    bought = buying.buy_credits(stripe, buyer, "100.00")
    buying.with_credits(buyer, session)
    stripe.control.refund(bought["payment_intent_id"])
    settle_everything(stripe)
    assert buying.balance(buyer) == "-100.00"
    later = buying.create(
        buyer,
        service_id=str(session.pk),
        use_credits=True,
        scheduling_data={"start_datetime": a_free_slot(session, nth=9).isoformat()},
    )
    assert (later["credits_applied"], later["amount_due"]) == ("0.00", "100.00")


@pytest.mark.parametrize("ending", ["expires", "canceled", "another body"])
def test_spent_credits_come_back_when_the_order_ends_unpaid(
    stripe: Sandbox, buyer: APIClient, session: Service, ending: str
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = buying.with_credits(buyer, session)
    if ending == "expires":
        Order.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        overdue.expire_orders()
    elif ending == "canceled":
        buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    else:
        buying.service(buyer, session, start_datetime=a_free_slot(session, nth=6).isoformat())
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("canceled", "40.00")
    effects = CreditTransaction.objects.filter(order=order_of(order)).order_by("id")
    assert list(effects.values_list("effect", "amount_minor")) == [("spend", -4000), ("spend_returned", 4000)]


def test_a_refund_goes_to_the_card_first_and_then_to_credits(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = buying.with_credits(buyer, session)
    pay(stripe, order)
    first = buying.refund(staff, order, amount="50.00")
    assert (first["to_card"], first["to_credits"]) == ("50.00", "0.00")
    second = buying.refund(staff, order, amount="30.00")
    assert (second["to_card"], second["to_credits"]) == ("10.00", "20.00")
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("partially_refunded", "20.00")
    third = buying.refund(staff, order)
    assert (third["to_card"], third["to_credits"], third["status"]) == ("0.00", "20.00", "succeeded")
    assert (status_of(order), buying.balance(buyer)) == ("refunded", "40.00")
    assert Booking.objects.get().status == "canceled"
    assert len(posts(stripe, "/v1/refunds")) == 2


def test_a_purchase_by_credits_alone_is_refunded_to_credits_at_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "100.00")
    order = buying.with_credits(buyer, session)
    part = buying.refund(staff, order, amount="25.00")
    assert (part["status"], part["to_credits"]) == ("succeeded", "25.00")
    assert (status_of(order), Booking.objects.get().status) == ("partially_refunded", "partially_refunded")
    buying.refund(staff, order)
    assert (status_of(order), buying.balance(buyer)) == ("refunded", "100.00")
    assert not posts(stripe, "/v1/refunds")


def test_a_refund_of_the_whole_charge_in_the_dashboard_counts_as_full(
    stripe: Sandbox, buyer: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = buying.with_credits(buyer, session)
    pay(stripe, order)
    stripe.control.refund(order["payment_intent_id"], amount=2000)
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("partially_refunded", "0.00")
    stripe.control.refund(order["payment_intent_id"])
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("refunded", "40.00")
    assert Booking.objects.get().status == "canceled"
    assert sorted(Refund.objects.values_list("card_minor", "credits_minor")) == [(2000, 0), (4000, 4000)]


def test_a_split_refund_that_its_bank_returns_takes_its_credits_back(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, session: Service
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = buying.with_credits(buyer, session)
    pay(stripe, order)
    buying.refund(staff, order)
    settle_everything(stripe)
    assert buying.balance(buyer) == "40.00"
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "0.00")
    assert Booking.objects.get().status == "canceled"
    buying.refund(staff, order)
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("refunded", "40.00")


def test_credits_that_cover_a_price_no_card_can_be_charged_pay_it_and_fewer_do_not(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    cheap = make_service(ServiceType.SESSION, ana, usd=30)
    buying.buy_credits(stripe, buyer, "0.50")
    order = buying.with_credits(buyer, cheap)
    assert (order["status"], buying.balance(buyer)) == ("completed", "0.20")
    start = {"start_datetime": a_free_slot(cheap).isoformat()}
    calls_before = len(stripe.requests)
    body = {"service_id": str(cheap.pk), "use_credits": True, "scheduling_data": start}
    problem = buying.refused(buyer, 409, "below_minimum", **body)
    assert "0.50 USD" in problem["detail"]
    assert (Order.objects.count(), len(stripe.requests), buying.balance(buyer)) == (2, calls_before, "0.20")
