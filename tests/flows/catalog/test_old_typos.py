"""Orders placed before there were limits, whose snapshot holds a typo: settled, shown, canceled and refunded."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.bounds import FREE_CANCEL_MAX_HOURS, VALIDITY_MAX_DAYS
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def with_typo(purchase: dict[str, Any], **typo: int) -> Order:
    """Have the order's snapshot say what a service could say before there were limits."""
    order = buying.order_of(purchase)
    Order.objects.filter(pk=order.pk).update(snapshot=order.snapshot | typo)
    return order


@pytest.mark.parametrize("days", [9_000_000, 999_999_999, 10**12, -1])
def test_a_package_valid_for_millions_of_days_is_handed_over_for_ten_years(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, days: int
) -> None:
    package = make_service(ServiceType.PACKAGE, ana, holds=[make_service(ServiceType.SESSION, ana)])
    order = buying.service(buyer, package)
    with_typo(order, validity_days=days)
    buying.pay(stripe, order)
    assert buying.status_of(order) == "completed"
    whole = Booking.objects.get(position=0)
    lasts = timedelta(days=min(max(days, 0), VALIDITY_MAX_DAYS))
    assert whole.valid_until and abs(whole.valid_until - clock.now() - lasts) < timedelta(minutes=5)
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()


@pytest.mark.parametrize("hours", [200_000_000, 2_147_483_647, 10**15])
def test_a_booking_free_to_cancel_until_long_before_its_start_is_shown_and_canceled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, hours: int
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    purchase = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    order = with_typo(purchase, free_cancel_hours=hours)
    buying.pay(stripe, purchase)
    [booking] = buying.bookings(buyer)
    row = Booking.objects.get()
    assert row.starts_at
    until = row.starts_at - timedelta(hours=FREE_CANCEL_MAX_HOURS)
    assert booking["free_cancel_until"] == until.isoformat().replace("+00:00", "Z")
    assert admin_client().get(reverse("admin:orders_order_change", args=[order.pk])).status_code == 200
    assert buyer.post(f"/api/v1/bookings/{row.pk}/cancel/").status_code == 200
    settle_everything(stripe)
    row.refresh_from_db()
    assert (row.status, buying.status_of(purchase)) == ("canceled", "completed")


@pytest.mark.parametrize(
    "typo",
    [
        {"duration_min": 1441},
        {"slot_step_min": 2_147_483_647},
        {"free_cancel_hours": 200_000_000},
        {"validity_days": 9_000_000},
        {"sale_ends_at": "9999-12-31T23:59Z"},
        {"sale_starts_at": "0001-01-02T00:00Z"},
    ],
)
def test_the_database_refuses_a_typo_whoever_writes_it(ana: Practitioner, typo: dict[str, Any]) -> None:
    from django.db import IntegrityError

    session = make_service(ServiceType.SESSION, ana)
    with pytest.raises(IntegrityError, match="within_limits"):
        Service.objects.filter(pk=session.pk).update(**typo)
