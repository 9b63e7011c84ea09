"""An order's detail tells its buyer what became of it: moves, dates called off, prices kept."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, signed_in
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.payments.dates.acting import MIXED, act, buy_seat, call_off_url, host, move_url
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def detail_of(buyer: APIClient, purchase: Json) -> Json:
    answer = buyer.get(f"/api/v1/orders/{purchase['order_id']}/")
    assert answer.status_code == 200
    detail: Json = answer.json()
    return detail


def test_a_move_names_both_times_and_who_moved(stripe: Sandbox, lesson: Service, buyer: APIClient) -> None:
    purchase = buying.service(buyer, lesson, start_datetime=a_free_slot(lesson).isoformat())
    assert detail_of(buyer, purchase)["moves"] == []
    buying.pay(stripe, purchase)
    settle_everything(stripe)
    booking = Booking.objects.get()
    later = a_free_slot(lesson, nth=6)
    assert (
        buyer.post(f"/api/v1/bookings/{booking.pk}/move/", {"start_datetime": later.isoformat()}).status_code
        == 200
    )
    [move] = detail_of(buyer, purchase)["moves"]
    assert (move["booking_id"], move["by_buyer"]) == (str(booking.pk), True)
    assert booking.starts_at
    assert move["from_datetime"] == booking.starts_at.isoformat().replace("+00:00", "Z")
    assert move["to_datetime"] == later.isoformat().replace("+00:00", "Z")


def test_a_changed_date_is_one_line_with_the_practitioner_s_words(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    purchase = buy_seat(stripe, buyer, workshop, MIXED)
    later = workshop.starts_at + timedelta(hours=1)
    act(host(ana), move_url(workshop), start_datetime=later.isoformat(), message="The room is taken.")
    settle_everything(stripe)
    act(host(ana), call_off_url(workshop), message="The boiler broke.")
    settle_everything(stripe)
    detail = detail_of(buyer, purchase)
    changes = [(one["kind"], one["message"], one["practitioner"]) for one in detail["date_changes"]]
    assert changes == [
        ("move", "The room is taken.", ana.display_name),
        ("call_off", "The boiler broke.", ana.display_name),
    ]
    [booking] = detail["bookings"]
    assert booking["canceled_at"] and not booking["price_kept"]


def test_a_booking_that_is_canceled_too_late_says_that_its_price_is_kept(
    stripe: Sandbox, lesson: Service, buyer: APIClient
) -> None:
    purchase = buying.service(buyer, lesson, start_datetime=a_free_slot(lesson).isoformat())
    buying.pay(stripe, purchase)
    settle_everything(stripe)
    booking = Booking.objects.get()
    assert booking.starts_at
    with time_machine.travel(booking.starts_at - timedelta(minutes=30), tick=False):
        buyer = signed_in(booking.user)
        assert buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/").status_code == 200
        [shown] = detail_of(buyer, purchase)["bookings"]
        assert shown["price_kept"] and shown["canceled_at"]


def test_the_wallet_names_what_credits_were_spent_on(
    stripe: Sandbox, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop, MIXED)
    spent, bought = buyer.get("/api/v1/credits/").json()["results"]
    assert (spent["kind"], spent["order_title"]) == ("spend", workshop.service.name)
    assert bought["kind"] == "purchase"
