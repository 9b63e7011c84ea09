"""A booking is moved out of time that its practitioner has closed, or is calling off."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, signed_in
from tests.flows.bookings.test_moving import buy_slot, move, refused

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_booking_that_leaves_closed_time_leaves_it_closed(
    stripe: Sandbox, buyer: APIClient, yoga: Service
) -> None:
    """The practitioner has closed the time but not called off the booking: it is moved, and nobody else gets it."""
    booking = buy_slot(stripe, buyer, yoga)
    entry = CalendarEntry.objects.get()
    old = entry.during
    CalendarEntry.objects.update(is_closed=True)
    move(buyer, booking, a_free_slot(yoga, nth=5))
    entry.refresh_from_db()
    assert (entry.during.lower, entry.is_closed) == (booking.starts_at, False)
    [left] = CalendarEntry.objects.exclude(pk=entry.pk)
    assert (left.during, left.is_closed) == (old, True)


def test_a_booking_that_is_being_called_off_is_not_moved(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, yoga: Service
) -> None:
    booking = buy_slot(stripe, buyer, yoga)
    host, url = signed_in(ana.user), f"/api/v1/roster/bookings/{booking.pk}/call-off/"
    assert host.post(url, {"preview_id": host.get(url).json()["preview_id"]}).status_code == 202
    assert "called off" in refused(buyer, booking, a_free_slot(yoga, nth=5), "booking_not_movable")["detail"]
