"""A practitioner is not erased from under a buyer who pays, and sells nothing from the moment an erasure begins."""

import threading
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection, connections, transaction
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import AvailabilityException, Service, ServiceType
from estuary.catalog.pricing import priced_items
from estuary.common import clock
from estuary.orders.place_order import CheckoutOptions
from estuary.payments.checkout import create_order
from estuary.payments.errors import NotOnSale
from estuary.privacy.export import export_own_data
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_user
from tests.flows import buying
from tests.flows.privacy.erasing import erase
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAYS = "Somebody is paying for a service of this practitioner"


@pytest.fixture
def massage(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana)


@pytest.fixture
def retreat(massage: Service) -> Service:
    """A package of another practitioner, with a massage in it."""
    ben = make_practitioner("Ben Okri")
    return make_service(ServiceType.PACKAGE, ben, holds=[massage, make_service(ServiceType.SESSION, ben)])


@pytest.fixture
def ten_massages(massage: Service) -> Service:
    return make_service(ServiceType.BUNDLE, massage.practitioner, bundle_of=massage, bundle_quantity=10)


def on_sale(*services: Service) -> set[str]:
    listed = APIClient().get("/api/v1/services/").json()["results"]
    return {service["name"] for service in listed} & {service.name for service in services}


def is_refused(ana: Practitioner, reason: str = PAYS) -> bool:
    with pytest.raises(CommandError, match=reason):
        erase(ana.user_id)
    ana.user.refresh_from_db()
    return ana.user.is_active


@pytest.mark.parametrize("kind", ["massage", "retreat", "ten_massages"])
def test_nobody_is_erased_whose_service_somebody_pays_for(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, kind: str, request: pytest.FixtureRequest
) -> None:
    bought: Service = request.getfixturevalue(kind)
    scheduling = {"start_datetime": a_free_slot(bought).isoformat()} if kind == "massage" else {}
    order = buying.service(buyer, bought, **scheduling)
    assert is_refused(ana)
    assert on_sale(bought) == {bought.name}
    stripe.control.confirm(order["payment_intent_id"], card=buying.DECLINED)
    settle_everything(stripe)
    assert is_refused(ana)
    buying.pay(stripe, order)
    assert buying.status_of(order) == "completed"
    assert is_refused(ana, "Somebody has booked with this practitioner")


def test_whose_package_somebody_pays_for_is_not_erased_either(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    other = make_service(ServiceType.SESSION, make_practitioner("Ben Okri"))
    order = buying.service(buyer, make_service(ServiceType.PACKAGE, ana, holds=[other]))
    assert is_refused(ana)
    buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    erase(ana.user_id)


def test_a_package_of_which_nothing_is_to_come_keeps_nobody(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, ten_massages: Service
) -> None:
    """Its own booking stays open: it is valid without an end."""
    order = buying.service(buyer, ten_massages)
    buying.pay(stripe, order)
    guest = buying.order_of(order).user
    with pytest.raises(CommandError, match="A booking is still to take place"):
        erase(guest.pk)
    Booking.objects.filter(parent__isnull=False).update(status="completed")
    assert Booking.objects.get(parent=None).status == "confirmed"
    erase(guest.pk)
    erase(ana.user_id)


def test_nothing_is_sold_from_the_moment_an_erasure_begins(
    stripe: Sandbox,
    ana: Practitioner,
    buyer: APIClient,
    massage: Service,
    retreat: Service,
    ten_massages: Service,
) -> None:
    bens = Service.objects.get(pk=retreat.items.last().service_id)  # type: ignore[union-attr]
    of_ana = APIClient()
    of_ana.force_authenticate(ana.user)
    buying.credits(of_ana, "20.00")  # so that there is a customer at Stripe
    stripe.faults.add("error_before", "DELETE /v1/customers/*", times=20)
    with pytest.raises(CommandError, match="run this again"):
        erase(ana.user_id)
    assert on_sale(massage, retreat, ten_massages, bens) == {bens.name}
    slot = a_free_slot(massage).isoformat()
    for service, scheduling in ((massage, {"start_datetime": slot}), (retreat, {}), (ten_massages, {})):
        body: dict[str, Any] = {"service_id": str(service.pk), "scheduling_data": scheduling}
        buying.refused(buyer, 409, "not_on_sale", **body)
    stripe.faults.clear()
    settle_everything(stripe)
    finish_erasures(timestamp=0)
    ana.refresh_from_db()
    assert ana.display_name == "Former practitioner"


def place(massage: Service, buyer: Any, starts_at: datetime | None = None) -> None:
    """Place an order as the API does once it has read the service."""
    create_order.create_order(
        create_order.Purchase(
            user=buyer,
            service=massage,
            currency="usd",
            priced=priced_items(massage, "usd"),
            options=CheckoutOptions(payment_type="intent"),
            schedule_request=ScheduleRequest(starts_at=starts_at or a_free_slot(massage)),
        )
    )


def test_an_order_whose_service_was_read_before_an_erasure_is_not_placed_after_it(
    stripe: Sandbox, ana: Practitioner, massage: Service
) -> None:
    read = Service.objects.get(pk=massage.pk)
    assert read.active
    slot = a_free_slot(read)
    erase(ana.user_id)
    with pytest.raises(NotOnSale):
        place(read, make_user("Tom Achterberg"), slot)


def test_an_erasure_waits_for_an_order_that_is_being_placed(
    stripe: Sandbox, ana: Practitioner, massage: Service
) -> None:
    refusals: list[str] = []

    def erase_meanwhile() -> None:
        try:
            erase(ana.user_id)
        except CommandError as refusal:
            refusals.append(str(refusal))
        finally:
            connections.close_all()

    thread = threading.Thread(target=erase_meanwhile)
    with transaction.atomic():
        place(massage, make_user("Tom Achterberg"))
        thread.start()
        while thread.is_alive() and not waits_for_a_service():
            thread.join(0.02)
    thread.join()
    assert len(refusals) == 1
    assert PAYS in refusals[0]
    ana.user.refresh_from_db()
    assert ana.user.is_active


def waits_for_a_service() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees one state of it else
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%catalog_service%%' AND wait_event_type = 'Lock'",
            [],
        )
        return bool(cursor.fetchone()[0])


def test_hours_are_exported_and_gone_with_the_practitioner(stripe: Sandbox, ana: Practitioner) -> None:
    AvailabilityException.objects.create(practitioner=ana, day=clock.now().date())
    other = make_practitioner("Ben Okri")
    own = export_own_data(ana.user)
    assert len(own["catalog_availability"]) == 7
    [exception] = own["catalog_availabilityexception"]
    assert exception["day"] == clock.now().date()
    erase(ana.user_id)
    assert not ana.availability.exists()
    assert not ana.availability_exceptions.exists()
    assert other.availability.count() == 7
