"""Buyers book while the hours are changed, and two tabs save at once: either order is a consistent one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Availability, ServiceType
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.bookings.hours.acting import every_day, host, put_day, put_week, read, window

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Any) -> list[Any]:
    """Do everything at the same moment, each in a connection of its own."""
    barrier = Barrier(len(acts))

    def run(act: Any) -> Any:
        try:
            barrier.wait(timeout=30)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_tabs_that_save_at_once_one_is_told(ana: Practitioner) -> None:
    tabs = [host(ana) for _ in range(4)]
    seen = read(tabs[0])["version"]
    weeks = [every_day(window(f"{10 + number}:00", "18:00")) for number in range(4)]
    answers = at_once(
        *(
            lambda tab=tab, week=week: put_week(tab, week, version=seen)
            for tab, week in zip(tabs, weeks, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    [saved] = [answer.json()["week"] for answer in answers if answer.status_code == 200]
    assert read(tabs[0])["week"] == saved
    assert Availability.objects.filter(practitioner=ana).count() == 7


def test_a_slot_that_is_booked_while_the_day_is_closed_is_sold_and_named_or_refused(
    stripe: Sandbox, ana: Practitioner
) -> None:
    lesson = make_service(ServiceType.SESSION, ana, usd=5_000, duration_min=60, slot_step_min=60)
    day = clock.now().date() + timedelta(days=10)
    starts = [datetime.combine(day, time(9 + number), ana.zone).isoformat() for number in range(3)]
    buyers = [signed_in(make_user(f"Guest{number} Park")) for number in range(3)]

    def book(buyer: APIClient, start: str) -> Any:
        body = {"service_id": str(lesson.pk), "scheduling_data": {"start_datetime": start}}
        return buyer.post("/api/v1/payments/create/", body)

    me = host(ana)
    *answers, closed = at_once(
        *(
            lambda buyer=buyer, start=start: book(buyer, start)
            for buyer, start in zip(buyers, starts, strict=True)
        ),
        lambda: put_day(me, day),
    )
    assert closed.status_code == 200
    outcomes = {(answer.status_code, answer.json().get("code")) for answer in answers}
    assert outcomes <= {(201, None), (400, "outside_availability")}
    sold = [answer.json() for answer in answers if answer.status_code == 201]
    for order in sold:
        buying.pay(stripe, order)
    outside = read(me)["outside"]
    assert outside["count"] == len(sold) == Booking.objects.filter(status="confirmed").count()
