"""A part of a day is closed to the minute, also where something was taken across its beginning or its end."""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.calendar import close_time, entries_of, insert_entries, move_entry, release_entries
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import make_service
from tests.flows import buying
from tests.flows.locks import somebody_waits_for_a_lock
from tests.flows.payments.dates.acting import DAYS, act, host, preview
from tests.sandbox_bridge import settle_everything
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def massage(ana: Practitioner) -> Service:
    """An hour, offered every half hour."""
    return make_service(ServiceType.SESSION, ana, usd=5_000, duration_min=60, slot_step_min=30)


@pytest.fixture
def day() -> date:
    return clock.now().date() + timedelta(days=9)


def slots_on(buyer: APIClient, service: Service, day: date) -> list[str]:
    params: dict[str, str | int] = {"from": day.isoformat(), "days": 1}
    shown = buyer.get(f"/api/v1/services/{service.pk}/slots/", params).json()["slots"]
    return [slot["start_datetime"] for slot in shown]


def a_part(practitioner: Practitioner, day: date, **times: str) -> dict[str, str]:
    """Return the part of a day from, or until, the start of a slot."""
    on_clock = {
        name: f"{datetime.fromisoformat(at).astimezone(practitioner.zone):%H:%M}"
        for name, at in times.items()
    }
    return {"first_day": day.isoformat(), "last_day": day.isoformat(), **on_clock}


def open_again(me: APIClient, part: dict[str, str]) -> None:
    answer = me.post("/api/v1/roster/days/open/", part)
    assert answer.status_code == 200, answer.json()


def days_off(me: APIClient) -> list[tuple[str | None, str | None]]:
    rows = me.get("/api/v1/hours/").json()["days_off"]
    return [(row["start_time"], row["end_time"]) for row in rows]


def test_a_hold_across_the_beginning_leaves_what_is_closed_closed(
    stripe: Sandbox, ana: Practitioner, massage: Service, buyer: APIClient, other: APIClient, day: date
) -> None:
    free = slots_on(buyer, massage, day)
    held = buying.service(buyer, massage, start_datetime=free[4])
    me, part = host(ana), a_part(ana, day, start_time=free[5])
    assert preview(me, DAYS, **part)["rows"] == []
    act(me, DAYS, **part)
    assert days_off(me) == [(part["start_time"], None)]
    assert buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/").status_code == 200
    assert slots_on(other, massage, day) == free[:4]
    buying.refused(
        other, 409, "slot_taken", service_id=str(massage.pk), scheduling_data={"start_datetime": free[4]}
    )


def test_a_booking_that_leaves_across_the_beginning_leaves_what_is_closed_closed(
    stripe: Sandbox, ana: Practitioner, massage: Service, buyer: APIClient, other: APIClient, day: date
) -> None:
    free = slots_on(buyer, massage, day)
    order = buying.service(buyer, massage, start_datetime=free[4])
    buying.pay(stripe, order)
    me = host(ana)
    act(me, DAYS, **a_part(ana, day, start_time=free[5]))
    [booking] = buying.bookings(buyer)
    moved = buyer.post(f"/api/v1/bookings/{booking['id']}/move/", {"start_datetime": free[0]})
    assert moved.status_code == 200, moved.json()
    assert slots_on(other, massage, day) == free[2:4]
    canceled = buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/")
    assert canceled.status_code in {200, 202}, canceled.json()
    settle_everything(stripe)
    assert slots_on(other, massage, day) == free[:4]


def test_a_booking_across_the_end_that_is_called_off_frees_what_is_open(
    stripe: Sandbox, ana: Practitioner, massage: Service, buyer: APIClient, other: APIClient, day: date
) -> None:
    free = slots_on(buyer, massage, day)
    order = buying.service(buyer, massage, start_datetime=free[4])
    buying.pay(stripe, order)
    me, part = host(ana), a_part(ana, day, end_time=free[5])
    act(me, DAYS, **part)
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"
    assert days_off(me) == [(None, part["end_time"])]
    assert slots_on(other, massage, day) == free[5:]
    open_again(me, part)
    assert slots_on(other, massage, day) == free
    assert days_off(me) == []


def test_what_is_opened_again_is_free_when_it_is_released(
    stripe: Sandbox, ana: Practitioner, massage: Service, buyer: APIClient, other: APIClient, day: date
) -> None:
    free = slots_on(buyer, massage, day)
    held = buying.service(buyer, massage, start_datetime=free[4])
    me, part = host(ana), a_part(ana, day, start_time=free[5])
    act(me, DAYS, **part)
    open_again(me, part)
    assert days_off(me) == []
    assert buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/").status_code == 200
    assert slots_on(other, massage, day) == free


def test_two_parts_that_are_closed_within_one_booking_stay_closed(
    ana: Practitioner, day: date, buyer: APIClient
) -> None:
    begin = datetime.combine(day, datetime.min.time(), ana.zone) + timedelta(hours=9)
    hour = timedelta(hours=1)
    [entry] = insert_entries([(ana.pk, begin, begin + 4 * hour)])
    close_time(ana.pk, begin, begin + hour)
    close_time(ana.pk, begin + 2 * hour, begin + 3 * hour)
    close_time(ana.pk, begin + 2.5 * hour, begin + 3 * hour)
    release_entries([entry.pk])
    closed = (
        entries_of(ana.pk)
        .order_by("during")
        .values_list("during__startswith", "during__endswith", "is_closed")
    )
    assert list(closed) == [(begin, begin + hour, True), (begin + 2 * hour, begin + 3 * hour, True)]


def test_closed_time_that_the_old_and_the_new_time_share_stays_closed(ana: Practitioner, day: date) -> None:
    begin = datetime.combine(day, datetime.min.time(), ana.zone) + timedelta(hours=9)
    half = timedelta(minutes=30)
    [entry] = insert_entries([(ana.pk, begin, begin + 4 * half)])
    close_time(ana.pk, begin + half, begin + 3 * half)
    move_entry(entry.pk, begin + 2 * half, begin + 6 * half)
    release_entries([entry.pk])
    closed = entries_of(ana.pk).order_by("during").values_list("during__startswith", "during__endswith")
    assert list(closed) == [(begin + half, begin + 2 * half), (begin + 2 * half, begin + 3 * half)]


def test_what_is_released_at_the_moment_it_is_closed_is_closed(ana: Practitioner, day: date) -> None:
    begin = datetime.combine(day, datetime.min.time(), ana.zone) + timedelta(hours=9)
    half = timedelta(minutes=30)
    [entry] = insert_entries([(ana.pk, begin, begin + 2 * half)])

    def close() -> None:
        try:
            with transaction.atomic():
                close_time(ana.pk, begin + half, begin + 2 * half)
        finally:
            connection.close()

    closing = threading.Thread(target=close)
    with transaction.atomic():
        release_entries([entry.pk])
        closing.start()
        wait_until(lambda: not closing.is_alive() or somebody_waits_for_a_lock())
    closing.join()
    rows: Any = entries_of(ana.pk).values_list("during__startswith", "during__endswith", "is_closed")
    assert list(rows) == [(begin + half, begin + 2 * half, True)]
