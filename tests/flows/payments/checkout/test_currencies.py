"""Currencies without decimals and with three: what is written, charged and returned is the same amount, to the unit."""

import pytest
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServicePrice, ServiceType
from estuary.common.money import to_minor
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, errors_on, form_data
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import order_of, pay, posts, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

# As it is written, its minor units at Stripe, and a part of it with what is left. https://docs.stripe.com/currencies
CURRENCIES = [
    ("jpy", "60", 60, "25", "35"),
    ("jpy", "6000", 6_000, "1", "5999"),
    ("krw", "150000", 150_000, "50000", "100000"),
    ("kwd", "60.120", 60_120, "0.120", "60.000"),
    ("isk", "6000.00", 600_000, "500.00", "5500.00"),
    ("eur", "60.05", 6_005, "0.06", "59.99"),
    ("idr", "9999999999.99", 999_999_999_999, "0.01", "9999999999.98"),
    ("cop", "99999999.99", 9_999_999_999, "99999999.00", "0.99"),
    ("inr", "9999999.99", 999_999_999, "0.01", "9999999.98"),
]


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
@pytest.mark.parametrize(("currency", "price", "minor", "part", "left"), CURRENCIES)
def test_a_price_in_any_currency_is_charged_and_returned_exactly(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    ana: Practitioner,
    payment_type: str,
    currency: str,
    price: str,
    minor: int,
    part: str,
    left: str,
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    ServicePrice.objects.update_or_create(
        service=session, currency=currency, defaults={"amount_minor": minor}
    )
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        currency=currency,
        amount=price,
        payment_type=payment_type,
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    assert (order["amount"], order["currency"]) == (price, currency)
    pay(stripe, order)
    assert status_of(order) == "completed"
    charges = [(one["amount"], one["currency"]) for one in stripe.state.store.charges]
    assert charges == [(minor, currency)]
    buying.refund(staff, order, amount=part)
    settle_everything(stripe)
    assert buying.detail(buyer, order)["refundable"] == left
    buying.refund(staff, order)
    settle_everything(stripe)
    assert (status_of(order), order_of(order).refunded_minor) == ("refunded", minor)
    assert sum(int(sent.params["amount"]) for sent in posts(stripe, "/v1/refunds")) == minor


@pytest.mark.parametrize(
    ("currency", "minor", "wrong"),
    [("jpy", 60, "60.5"), ("jpy", 60, "0.60"), ("kwd", 60_120, "60.1234"), ("kwd", 60_120, "60.121")],
)
def test_decimals_that_a_currency_does_not_have_are_refused(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, currency: str, minor: int, wrong: str
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    ServicePrice.objects.create(service=session, currency=currency, amount_minor=minor)
    buying.refused(buyer, 400, "invalid_amount", service_id=str(session.pk), currency=currency, amount=wrong)
    assert stripe.requests == []


INJECTED = {
    "status": "completed",
    "user": 1,
    "user_id": "1",
    "price": "0.50",
    "total_minor": 1,
    "amount_due_minor": 0,
    "credits_applied": "100.00",
    "captured_minor": 10_000,
    "stripe_customer_id": "cus_of_somebody",
    "payment_intent_id": "pi_of_somebody",
    "expires_at": "2099-01-01T00:00:00Z",
    "metadata": {"order_id": "ord_of_somebody", "user_id": "1"},
}


def test_what_is_injected_beside_a_right_request_changes_nothing(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    slot = {"start_datetime": a_free_slot(session).isoformat()}
    body = {"service_id": str(session.pk), "amount": "100.00", "scheduling_data": slot}
    purchase = buying.create(buyer, **(INJECTED | body))
    order = order_of(purchase)
    assert (purchase["status"], purchase["amount_due"], order.captured_minor) == ("pending", "100.00", 0)
    assert order.user.first_name == "Maya"
    [intent] = stripe.state.store.payment_intents
    assert (intent["amount"], intent["metadata"]["order_id"]) == (10_000, order.public_id)
    assert intent["customer"] == order.stripe_customer_id != "cus_of_somebody"
    assert other.get(f"/api/v1/orders/{order.public_id}/").status_code == 404
    answer = buyer.post(f"/api/v1/orders/{order.public_id}/sync/", INJECTED)
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    buying.refused(buyer, 409, "price_changed", **(body | {"amount": "0.50"}))


def test_staff_price_in_rupiah_up_to_what_stripe_takes(ana: Practitioner) -> None:
    session, client = make_service(ServiceType.SESSION, ana), admin_client()
    url = reverse("admin:catalog_service_change", args=[session.pk])
    form = form_data(client.get(url)) | {"prices-0-currency": "IDR", "prices-0-amount": "9999999999.99"}
    assert client.post(url, form).status_code == 302
    assert session.prices.get(currency="idr").amount_minor == 999_999_999_999
    assert "9999999999.99" in client.get(url).content.decode()
    answer = client.post(url, form | {"prices-0-amount": "10000000000"})
    assert "at most 9,999,999,999.99 IDR" in errors_on(answer)


def test_credits_are_sold_up_to_the_limit_of_the_houses_currency(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, settings: Settings
) -> None:
    settings.CURRENCY = "idr"
    buying.refused(buyer, 400, "invalid_amount", is_credit_purchase=True, amount="100000000.01")
    order = buying.buy_credits(stripe, buyer, "100000000.00")
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100000000.00")
    buying.refund(staff, order)
    settle_everything(stripe)
    assert buying.balance(buyer) == "0.00"


@pytest.mark.parametrize(("currency", "least", "less"), [("idr", "10000.00", "1.00"), ("krw", "1000", "50")])
def test_less_than_stripe_takes_is_refused_before_stripe_is_asked(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    settings: Settings,
    currency: str,
    least: str,
    less: str,
) -> None:
    settings.CURRENCY = currency
    buying.refused(buyer, 400, "invalid_amount", is_credit_purchase=True, amount=less)
    assert stripe.requests == []
    buying.buy_credits(stripe, buyer, least)
    price = to_minor(least, currency) + to_minor(less, currency)
    session = make_service(ServiceType.SESSION, ana)
    ServicePrice.objects.create(service=session, currency=currency, amount_minor=price)
    order = buying.create(
        buyer,
        service_id=str(session.pk),
        currency=currency,
        use_credits=True,
        scheduling_data={"start_datetime": a_free_slot(session).isoformat()},
    )
    assert (order["amount_due"], order["credits_applied"]) == (least, less)
    pay(stripe, order)
    assert status_of(order) == "completed"
