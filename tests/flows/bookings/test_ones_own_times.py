"""A buyer chooses a time that is the buyer's own already: the refusal says so, and blames nobody else."""

from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.bookings.test_moving import buy_slot, move, refused
from tests.flows.buying import pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def yoga(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana)


def test_a_booking_is_not_moved_onto_ones_own_other_booking(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    booking, second = buy_slot(stripe, buyer, yoga), buy_slot(stripe, buyer, yoga, nth=7)
    assert booking.starts_at
    assert second.starts_at
    refused(buyer, booking, second.starts_at, "already_booked")
    refused(buyer, booking, second.starts_at + timedelta(minutes=30), "already_booked")
    # The time that it has itself is no obstacle.
    move(buyer, booking, booking.starts_at + timedelta(minutes=30))


def test_a_part_of_a_bundle_is_not_scheduled_at_ones_own_time(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, yoga: Service
) -> None:
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=yoga, bundle_quantity=2, validity_days=60)
    booked = buy_slot(stripe, buyer, yoga).starts_at
    pay(stripe, buying.create(buyer, service_id=str(bundle.pk)))
    held, taken = a_free_slot(yoga, nth=7), a_free_slot(yoga, nth=14)
    order = buying.service(buyer, yoga, start_datetime=held.isoformat())
    buying.service(other, yoga, start_datetime=taken.isoformat())
    part = Booking.objects.filter(parent__isnull=False).earliest("pk")
    assert booked
    assert _refused_to_schedule(buyer, part, booked)["code"] == "already_booked"
    problem = _refused_to_schedule(buyer, part, held)
    assert (problem["code"], problem["order_id"]) == ("held_by_your_order", order["order_id"])
    assert _refused_to_schedule(buyer, part, taken)["code"] == "slot_taken"
    part.refresh_from_db()
    assert part.starts_at is None


def _refused_to_schedule(buyer: APIClient, part: Booking, start: datetime) -> buying.Json:
    answer = buyer.post(f"/api/v1/bookings/{part.pk}/schedule/", {"start_datetime": start.isoformat()})
    assert answer.status_code == 409
    return dict(answer.json())
