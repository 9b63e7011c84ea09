"""Currencies in which Stripe takes multiples of 10 or 100 minor units only: shares and credits are such multiples too.

https://docs.stripe.com/currencies#three-decimal and #special-cases
"""

import pytest
from django.db import transaction
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServicePrice, ServiceType
from estuary.common import clock
from estuary.common.money import to_decimal
from estuary.credits import ledger
from estuary.orders.models import OrderLine
from estuary.payments.models import Refund
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.dates.acting import act, call_off_url, host
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = {"kwd": 10, "bhd": 10, "jod": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}
CURRENCIES = pytest.mark.parametrize("currency", STEPS)


def priced(service: Service, currency: str, minor: int) -> Service:
    ServicePrice.objects.create(service=service, currency=currency, amount_minor=minor)
    return service


def refunds_at_stripe(stripe: Sandbox) -> list[tuple[int, str]]:
    return [(refund["amount"], refund["status"]) for refund in stripe.state.store.refunds]


@CURRENCIES
def test_each_third_of_a_bundle_is_refunded(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, currency: str
) -> None:
    lesson = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=lesson, bundle_quantity=3)
    priced(bundle, currency, 1_000_000)
    order = buying.create(buyer, service_id=str(bundle.pk), currency=currency)
    buying.pay(stripe, order)
    for booking in Booking.objects.filter(position__gt=0).order_by("position"):
        assert buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/").status_code == 200
        settle_everything(stripe)
    step = STEPS[currency]
    third = 1_000_000 // 3 // step * step
    assert refunds_at_stripe(stripe) == [
        (third, "succeeded"),
        (third, "succeeded"),
        (1_000_000 - 2 * third, "succeeded"),
    ]
    assert buying.status_of(order) == "refunded"


@pytest.mark.parametrize("currency", ["kwd", "isk"])
def test_each_third_of_a_course_is_refunded(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, currency: str
) -> None:
    course = priced(make_service(ServiceType.COURSE, ana), currency, 1_000_000)
    meetings = make_sessions(course, 3)
    order = buying.create(buyer, service_id=str(course.pk), currency=currency)
    buying.pay(stripe, order)
    for meeting in meetings:
        act(host(ana), call_off_url(meeting))
        settle_everything(stripe)
    assert [status for _, status in refunds_at_stripe(stripe)] == ["succeeded"] * 3
    assert buying.status_of(order) == "refunded"


@CURRENCIES
def test_credits_of_any_amount_can_be_spent_beside_a_card(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, settings: Settings, currency: str
) -> None:
    """A balance may have a rest, after a correction by staff for one: the rest stays on the account."""
    settings.CURRENCY = currency
    with transaction.atomic():
        gift = ledger.Posting(maya.pk, currency, ledger.Kind.ADJUSTMENT, 333_333, "a correction")
        ledger.post([gift], at=clock.now())
    lesson = make_service(ServiceType.SESSION, ana)
    bundle = priced(
        make_service(ServiceType.BUNDLE, ana, bundle_of=lesson, bundle_quantity=2), currency, 1_000_000
    )
    order = buying.create(buyer, service_id=str(bundle.pk), currency=currency, use_credits=True)
    buying.pay(stripe, order)
    step = STEPS[currency]
    assert buying.balance(buyer) == to_decimal(333_333 % step, currency)
    assert buying.status_of(order) == "completed"


def test_the_old_share_of_an_order_is_refunded_down_to_a_step(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    """Orders of before have shares such as 33.333 KWD."""
    lesson = make_service(ServiceType.SESSION, ana)
    bundle = priced(
        make_service(ServiceType.BUNDLE, ana, bundle_of=lesson, bundle_quantity=3), "kwd", 100_000
    )
    order = buying.create(buyer, service_id=str(bundle.pk), currency="kwd")
    buying.pay(stripe, order)
    part = Booking.objects.filter(position=1).get()
    for position, share_minor in enumerate([33_333, 33_333, 33_334], 1):
        Booking.objects.filter(position=position).update(amount_minor=share_minor)
        OrderLine.objects.filter(bookings__position=position).update(amount_minor=share_minor)
    buying.refund(staff, order, booking_id=str(part.pk))
    settle_everything(stripe)
    assert list(Refund.objects.values_list("card_minor", "status")) == [(33_330, "succeeded")]
    buying.refund(staff, order)
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"
