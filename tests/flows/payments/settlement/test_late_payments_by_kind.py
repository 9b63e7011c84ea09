"""Until when a late payment keeps what was bought: for each kind of service."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Reservation
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.models import Refund
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import (
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
)
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay_only, status_of
from tests.flows.payments.settlement.test_late_payments import BANK, ask, at
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


KINDS: dict[str, Callable[[Practitioner], tuple[str, Json, datetime | None]]] = {}


def kind(make: Callable[[Practitioner], tuple[str, Json, datetime | None]]) -> None:
    KINDS[make.__name__] = make


@kind
def course(ana: Practitioner) -> tuple[str, Json, datetime | None]:
    service = make_service(ServiceType.COURSE, ana)
    first = make_sessions(service, 3, in_days=3)[0]
    return str(service.pk), {}, first.starts_at


@kind
def slot(ana: Practitioner) -> tuple[str, Json, datetime | None]:
    service = make_service(ServiceType.SESSION, ana)
    start = a_free_slot(service)
    return str(service.pk), {"start_datetime": start.isoformat()}, start


@kind
def package_with_one_date(ana: Practitioner) -> tuple[str, Json, datetime | None]:
    one, two = (
        make_service(ServiceType.WORKSHOP, make_practitioner(name)) for name in ("Bruno C", "Clara N")
    )
    [soon], [later] = make_sessions(one, in_days=3), make_sessions(two, in_days=6)
    package = make_service(ServiceType.PACKAGE, ana, holds=[one, two], validity_days=90)
    items = [
        {"service_id": str(seat.service_id), "service_session_id": str(seat.pk)} for seat in (soon, later)
    ]
    return str(package.pk), {"items": items}, soon.starts_at


@kind
def bundle_with_one_slot(ana: Practitioner) -> tuple[str, Json, datetime | None]:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=3, validity_days=90)
    start = a_free_slot(session)
    return str(bundle.pk), {"items": [{"start_datetime": start.isoformat()}]}, start


@kind
def bundle_without_a_time(ana: Practitioner) -> tuple[str, Json, datetime | None]:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=3, validity_days=90)
    return str(bundle.pk), {}, None


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_service_is_kept_until_the_first_of_its_times(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, name: str
) -> None:
    service_id, scheduling, starts_at = KINDS[name](ana)
    order = buying.create(buyer, service_id=service_id, scheduling_data=scheduling)
    pay_only(stripe, order, **BANK)
    settle_everything(stripe)
    assert order_of(order).kept_until == starts_at
    with at((starts_at or clock.now() + timedelta(days=20)) + timedelta(minutes=1)):
        stripe.control.settle(order["payment_intent_id"])
        settle_everything(stripe)
        assert status_of(order) == ("refunded" if starts_at else "completed")
        assert not Reservation.objects.filter(status="held").exists()
    assert not ServiceSession.objects.exclude(taken=0).exists()


@pytest.mark.parametrize("way", ["credits", "bundle_without_a_time"])
def test_what_has_no_time_waits_for_its_bank(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, way: str
) -> None:
    is_credit = way == "credits"
    order = buying.credits(buyer) if is_credit else buying.create(buyer, service_id=KINDS[way](ana)[0])
    pay_only(stripe, order, **BANK)
    settle_everything(stripe)
    with at(clock.now() + timedelta(days=12)):
        assert overdue.end_unanswered_orders() == 0
        stripe.control.settle(order["payment_intent_id"])
        stripe.control.lose_events()
        ask(stripe)
        assert (status_of(order), Refund.objects.count()) == ("completed", 0)
