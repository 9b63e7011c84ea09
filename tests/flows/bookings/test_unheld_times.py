"""An unpaid order holds three times of ten: what becomes of the other seven once it is paid."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Participant, Reservation
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.english_times import describe_moment
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.attacks.test_hoarding import at, items, slots
from tests.factories import make_practitioner, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, pay_only, status_of
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENT_TYPES = pytest.mark.parametrize("payment_type", ["intent", "checkout"])


@pytest.fixture
def massage(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana)


@pytest.fixture
def bundle(ana: Practitioner, massage: Service) -> Service:
    return make_service(ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=10, validity_days=90)


def order_ten(buyer: APIClient, bundle: Service, times: list[datetime], **body: Any) -> Json:
    return buying.create(buyer, service_id=str(bundle.pk), scheduling_data=items(times), **body)


def starts(order: Json) -> list[datetime | None]:
    """Return when the parts of what was bought begin, in their order."""
    parts = order_of(order).bookings.filter(position__gt=0).order_by("position")
    return [part.starts_at for part in parts]


def buys(stripe: Sandbox, service: Service, start: datetime) -> None:
    """Have somebody else take a time meanwhile."""
    rival = signed_in(make_user("Tom Achterberg"))
    pay(stripe, buying.service(rival, service, **at(start)))


@PAYMENT_TYPES
def test_all_ten_times_are_taken_when_it_is_paid(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service, payment_type: str
) -> None:
    times = slots(massage)[:10]
    order = order_ten(buyer, bundle, times, payment_type=payment_type)
    lines = buying.detail(buyer, order)["lines"]
    assert [bool(line["start_datetime"]) for line in lines] == [True] * 3 + [False] * 7
    assert [bool(line["wished_start_datetime"]) for line in lines] == [False] * 3 + [True] * 7
    pay(stripe, order)
    assert starts(order) == times
    assert Reservation.objects.filter(status="confirmed").count() == CalendarEntry.objects.count() == 10
    assert not any(part["missed_start_datetime"] for part in buying.detail(buyer, order)["bookings"])


def test_the_soonest_times_are_held_in_whatever_order_they_are_named(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    times = slots(massage)[:5]
    order_ten(buyer, bundle, times[::-1])
    assert sorted(entry.during.lower for entry in CalendarEntry.objects.all()) == times[:3]


def test_a_time_that_others_took_meanwhile_is_chosen_anew_and_no_money_is_lost(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    times = slots(massage)
    purchase = order_ten(buyer, bundle, times[:10])
    buys(stripe, massage, times[7])
    mail.outbox.clear()
    pay(stripe, purchase)
    assert status_of(purchase) == "completed"
    assert starts(purchase) == [*times[:7], None, *times[8:10]]
    order = buying.detail(buyer, purchase)
    missed = [part for part in order["bookings"] if part["missed_start_datetime"]]
    assert [datetime.fromisoformat(part["missed_start_datetime"]) for part in missed] == [times[7]]
    assert missed[0]["needs_scheduling"]
    assert order["refunds"] == []
    run_jobs()
    [message] = [
        letter for letter in mail.outbox if "Thank you" in letter.subject and "bundle" in letter.subject
    ]
    assert "One of the times that you chose was not free any more" in str(message.body)
    assert describe_moment(times[7], ZoneInfo("Europe/Lisbon")) in str(message.body)
    listed = buyer.get("/api/v1/bookings/", {"when": "unscheduled"}).json()["results"]
    assert [part["missed_start_datetime"] for part in listed] == [missed[0]["missed_start_datetime"]]
    chosen = buyer.post(f"/api/v1/bookings/{missed[0]['id']}/schedule/", at(times[12]))
    assert chosen.status_code == 200, chosen.json()
    assert chosen.json()["missed_start_datetime"] is None
    assert starts(purchase)[7] == times[12]


def test_a_bank_that_pays_in_time_takes_what_was_not_held(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    times = slots(massage)
    order = order_ten(buyer, bundle, times[:4])
    stripe.control.confirm(order["payment_intent_id"], method="us_bank_account")
    settle_everything(stripe)
    with time_machine.travel(times[0] - timedelta(minutes=5)):
        stripe.control.settle(order["payment_intent_id"])
        settle_everything(stripe)
        assert (status_of(order), starts(order)[:4]) == ("completed", times[:4])


def test_two_who_wish_for_the_same_time_are_served_in_turn(
    stripe: Sandbox, buyer: APIClient, other: APIClient, massage: Service, bundle: Service
) -> None:
    times = slots(massage)
    mine = order_ten(buyer, bundle, [*times[:3], times[20]])
    others = order_ten(other, bundle, [*times[3:6], times[20]])
    pay_only(stripe, others)
    pay_only(stripe, mine)
    settle_everything(stripe)
    assert sorted([starts(mine)[3] is None, starts(others)[3] is None]) == [False, True]
    assert (status_of(mine), status_of(others)) == ("completed", "completed")


def test_a_time_that_is_taken_when_it_is_ordered_is_refused_at_once(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    times = slots(massage)
    buys(stripe, massage, times[9])
    wish = {"service_id": str(bundle.pk), "scheduling_data": items(times[:10])}
    buying.refused(buyer, 409, "slot_taken", **wish)
    twice = {"service_id": str(bundle.pk), "scheduling_data": items([*times[:5], times[4]])}
    buying.refused(buyer, 409, "slot_taken", **twice)


def test_a_date_that_sold_out_meanwhile_is_chosen_anew(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshops = [make_service(ServiceType.WORKSHOP, make_practitioner()) for _ in range(4)]
    dates = [make_sessions(workshop, capacity=1, in_days=10 + n)[0] for n, workshop in enumerate(workshops)]
    package = make_service(ServiceType.PACKAGE, ana, holds=workshops)
    wish = [{"service_id": str(one.service_id), "service_session_id": str(one.pk)} for one in dates]
    order = buying.service(buyer, package, items=wish)
    rival = signed_in(make_user("Tom Achterberg"))
    pay(stripe, buying.service(rival, workshops[3], service_session_id=str(dates[3].pk)))
    pay(stripe, order)
    assert status_of(order) == "completed"
    assert starts(order) == [*(one.starts_at for one in dates[:3]), None]
    assert set(ServiceSession.objects.values_list("taken", flat=True)) == {1}
    assert Participant.objects.filter(active=True).count() == 4


def test_a_date_where_the_buyer_has_a_seat_by_then_is_not_taken_twice(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshops = [make_service(ServiceType.WORKSHOP, make_practitioner()) for _ in range(4)]
    dates = [make_sessions(workshop, in_days=10 + n)[0] for n, workshop in enumerate(workshops)]
    package = make_service(ServiceType.PACKAGE, ana, holds=workshops)
    wish = [{"service_id": str(one.service_id), "service_session_id": str(one.pk)} for one in dates]
    order = buying.service(buyer, package, items=wish)
    pay(stripe, buying.service(buyer, workshops[3], service_session_id=str(dates[3].pk)))
    pay(stripe, order)
    assert starts(order)[3] is None
    assert set(ServiceSession.objects.values_list("taken", flat=True)) == {1}


def test_credits_that_cover_it_all_take_all_ten_at_once(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    buying.buy_credits(stripe, buyer, "100.00")
    times = slots(massage)[:10]
    order = order_ten(buyer, bundle, times, use_credits=True)
    assert (status_of(order), starts(order)) == ("completed", times)


def test_what_is_not_paid_gives_back_what_it_held_and_nothing_else(
    stripe: Sandbox, buyer: APIClient, massage: Service, bundle: Service
) -> None:
    order = order_ten(buyer, bundle, slots(massage)[:10])
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert overdue.expire_orders() == 1
    assert status_of(order) == "canceled"
    assert not CalendarEntry.objects.exists()
    assert set(Reservation.objects.values_list("status", flat=True)) == {"released"}


def test_a_service_that_is_gone_when_it_is_paid_leaves_its_times_to_be_told_by_staff(
    stripe: Sandbox, buyer: APIClient, massage: Service, ana: Practitioner
) -> None:
    others = [make_service(ServiceType.SESSION, make_practitioner()) for _ in range(4)]
    package = make_service(ServiceType.PACKAGE, ana, holds=others)
    times = [slots(one)[n] for n, one in enumerate(others)]
    wish = [{"service_id": str(one.pk)} | at(start) for one, start in zip(others, times, strict=True)]
    order = buying.service(buyer, package, items=wish)
    package.items.filter(service=others[3]).delete()
    others[3].delete()
    pay(stripe, order)
    assert (status_of(order), starts(order)[3]) == ("completed", None)
