"""All of a practitioner's week is called off in one act: every date and every 1-on-1 booking in it."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.english_times import write_hour, write_short_day
from estuary.orders.models import Order
from estuary.payments.dates import affected
from estuary.payments.dates.affected import local_time_as_text
from estuary.payments.models import DateChange
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.payments.dates.acting import (
    DAYS,
    MIXED,
    act,
    buy_seat,
    by_tender,
    host,
    preview,
    progress,
    refusal,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def days_around(session: ServiceSession, *, days: int = 0) -> dict[str, str]:
    first = session.starts_at.date()
    return {"first_day": first.isoformat(), "last_day": (first + timedelta(days=days)).isoformat()}


def slots_on(buyer: APIClient, service: Service, day: date) -> list[str]:
    params: dict[str, str | int] = {"from": day.isoformat(), "days": 1}
    shown = buyer.get(f"/api/v1/services/{service.pk}/slots/", params).json()["slots"]
    return [slot["start_datetime"] for slot in shown]


def test_every_date_and_booking_of_the_days_is_refunded_and_the_days_are_closed(
    stripe: Sandbox,
    ana: Practitioner,
    lesson: Service,
    workshop: ServiceSession,
    buyer: APIClient,
    other: APIClient,
) -> None:
    day = workshop.starts_at.date()
    [slot, *_] = slots_on(buyer, lesson, day)
    booked = buying.service(buyer, lesson, start_datetime=slot)
    buying.pay(stripe, booked)
    seat = buy_seat(stripe, other, workshop, MIXED)
    after = slots_on(buyer, lesson, day + timedelta(days=2))[0]
    outside = buying.service(buyer, lesson, start_datetime=after)
    buying.pay(stripe, outside)
    held = buying.service(
        signed_in(make_user("Late Comer")), lesson, start_datetime=slots_on(buyer, lesson, day)[2]
    )

    me = host(ana)
    shown = preview(me, DAYS, **days_around(workshop))
    assert Counter(row["act"] for row in shown["rows"]) == {"refund": 3, "end_order": 1}
    assert by_tender(shown) == {"payment_method": 12_000, "credits": 3_000}
    change = act(me, DAYS, **days_around(workshop))
    assert slots_on(buyer, lesson, day) == []
    settle_everything(stripe)

    assert progress(me, change)["status"] == "done"
    assert (buying.status_of(booked), buying.status_of(seat)) == ("refunded", "refunded")
    assert (buying.status_of(held), buying.status_of(outside)) == ("canceled", "completed")
    workshop.refresh_from_db()
    assert workshop.is_called_off
    assert slots_on(buyer, lesson, day) == []
    buying.refused(
        buyer, 409, "slot_taken", service_id=str(lesson.pk), scheduling_data={"start_datetime": slot}
    )


def called_off(shown: buying.Json) -> list[str]:
    return [date["service_session_id"] for date in shown["called_off_dates"]]


def test_dates_that_nobody_has_booked_are_named_before_and_after(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    [empty] = make_sessions(make_service(ServiceType.WORKSHOP, ana, name="Try it out"), in_days=9)
    me, days = host(ana), days_around(empty, days=3)
    shown = preview(me, DAYS, **days)
    assert (called_off(shown), shown["more_called_off_dates"]) == ([str(empty.pk), str(workshop.pk)], 0)
    assert shown["called_off_dates"][0]["line"] == f"Try it out, {local_time_as_text(empty.starts_at, ana)}"
    change = act(me, DAYS, **days)
    settled = progress(me, change)
    assert change["called_off_dates"] == settled["called_off_dates"] == shown["called_off_dates"]


def test_a_date_that_is_added_meanwhile_is_a_new_preview(ana: Practitioner, workshop: ServiceSession) -> None:
    me, days = host(ana), days_around(workshop, days=3)
    shown = preview(me, DAYS, **days)
    [added] = make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=11)
    answer = me.post(DAYS, {"preview_id": shown["preview_id"], **days})
    assert refusal(answer) == (409, "preview_outdated")
    assert called_off(answer.json()["preview"]) == [str(workshop.pk), str(added.pk)]
    assert not DateChange.objects.exists()


def test_of_many_dates_the_first_are_named_and_the_others_counted(
    ana: Practitioner, workshop: ServiceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(affected, "DATES_SHOWN", 1)
    make_sessions(make_service(ServiceType.WORKSHOP, ana), in_days=11)
    me, days = host(ana), days_around(workshop, days=3)
    for shown in (preview(me, DAYS, **days), act(me, DAYS, **days)):
        assert (called_off(shown), shown["more_called_off_dates"]) == ([str(workshop.pk)], 1)


def test_two_sessions_of_one_bundle_are_one_order_and_both_shares(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=lesson, bundle_quantity=3, usd=10_000)
    day = clock.now().date() + timedelta(days=9)
    slots = slots_on(buyer, lesson, day)
    items = [{"service_id": str(lesson.pk), "start_datetime": start} for start in (slots[0], slots[4])]
    order = buying.create(buyer, service_id=str(bundle.pk), scheduling_data={"items": items})
    buying.pay(stripe, order)
    me = host(ana)
    change = act(me, DAYS, first_day=day.isoformat(), last_day=day.isoformat())
    settle_everything(stripe)
    state = progress(me, change)
    assert by_tender(state) == {"payment_method": sum(_shares(order)[:2])}
    assert buying.status_of(order) == "partially_refunded"
    assert Counter(Booking.objects.filter(position__gt=0).values_list("status", flat=True)) == {
        "canceled": 2,
        "confirmed": 1,
    }


def _shares(purchase: buying.Json) -> list[int]:
    order = buying.order_of(purchase)
    return list(order.lines.order_by("position").values_list("amount_minor", flat=True))


def test_days_without_any_date_are_closed_all_the_same(
    ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    day = clock.now().date() + timedelta(days=20)
    change = act(host(ana), DAYS, first_day=day.isoformat(), last_day=day.isoformat())
    assert change["rows"] == []
    assert slots_on(buyer, lesson, day) == []
    assert slots_on(buyer, lesson, day + timedelta(days=1)) != []


def test_days_are_opened_again_and_the_days_beside_them_stay_closed(
    ana: Practitioner, lesson: Service, workshop: ServiceSession, buyer: APIClient
) -> None:
    first = workshop.starts_at.date() - timedelta(days=1)
    days = [first + timedelta(days=number) for number in range(3)]
    free = [slots_on(buyer, lesson, day) for day in days]
    me = host(ana)
    act(me, DAYS, first_day=days[0].isoformat(), last_day=days[2].isoformat())
    assert [slots_on(buyer, lesson, day) for day in days] == [[], [], []]
    body = {"first_day": days[1].isoformat(), "last_day": days[1].isoformat()}
    assert me.post("/api/v1/roster/days/open/", body).status_code == 200
    assert [slots_on(buyer, lesson, day) for day in days] == [[], free[1], []]
    act(me, DAYS, **body)
    assert slots_on(buyer, lesson, days[1]) == []
    assert refusal(me.post("/api/v1/roster/days/open/", {**body, "last_day": days[0].isoformat()})) == (
        400,
        "invalid_request",
    )
    assert refusal(buyer.post("/api/v1/roster/days/open/", body)) == (403, "practitioners_only")


def test_days_are_not_opened_while_they_are_still_called_off(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, other: APIClient
) -> None:
    day = clock.now().date() + timedelta(days=9)
    [slot, *_] = slots_on(buyer, lesson, day)
    unpaid = buying.service(buyer, lesson, start_datetime=slot)
    body = {"first_day": day.isoformat(), "last_day": day.isoformat()}
    next_day = (day + timedelta(days=1)).isoformat()
    me, opened = host(ana), "/api/v1/roster/days/open/"
    act(me, DAYS, first_day=next_day, last_day=next_day)
    settle_everything(stripe)
    act(me, DAYS, **body)
    assert refusal(me.post(opened, body)) == (409, "call_off_running")
    assert refusal(me.post(opened, {**body, "last_day": next_day})) == (409, "call_off_running")
    assert slots_on(other, lesson, day) == []
    assert me.post(opened, {"first_day": next_day, "last_day": next_day}).status_code == 200
    settle_everything(stripe)
    assert buying.status_of(unpaid) == "canceled"
    assert me.post(opened, body).status_code == 200
    buying.pay(stripe, buying.service(other, lesson, start_datetime=slot))
    settle_everything(stripe)
    assert [booking["status"] for booking in buying.bookings(other)] == ["confirmed"]


def test_an_afternoon_is_called_off_and_the_morning_stays(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient, other: APIClient
) -> None:
    day = clock.now().date() + timedelta(days=9)
    starts = slots_on(buyer, lesson, day)
    morning = buying.service(buyer, lesson, start_datetime=starts[0])
    afternoon = buying.service(other, lesson, start_datetime=starts[-1])
    for order in (morning, afternoon):
        buying.pay(stripe, order)
    from_then = datetime.fromisoformat(starts[-1]).astimezone(ana.zone)
    hours = {"first_day": day.isoformat(), "last_day": day.isoformat(), "start_time": f"{from_then:%H:%M}"}
    me = host(ana)
    shown = preview(me, DAYS, **hours)
    last_day = write_short_day(from_then)
    days = f"{last_day}, {write_hour(from_then)} to {last_day}"
    assert shown["title"].endswith(f"{days} ({zone_of(ana)})")
    act(me, DAYS, **hours)
    settle_everything(stripe)
    assert (buying.status_of(morning), buying.status_of(afternoon)) == ("completed", "refunded")
    assert starts[-1] not in slots_on(buyer, lesson, day) != []
    assert me.post("/api/v1/roster/days/open/", hours).status_code == 200
    assert starts[-1] in slots_on(buyer, lesson, day)


def zone_of(practitioner: Practitioner) -> str:
    return practitioner.time_zone.replace("_", " ")


def test_a_part_of_a_day_is_named_by_its_hours(ana: Practitioner) -> None:
    day = clock.now().astimezone(ana.zone).date() + timedelta(days=9)
    hours = {
        "first_day": day.isoformat(),
        "last_day": day.isoformat(),
        "start_time": "13:00",
        "end_time": "18:00",
    }
    named = f"All dates, {day:%a, %b} {day.day}, {day.year}, 1:00 PM to 6:00 PM ({zone_of(ana)})"
    assert preview(host(ana), DAYS, **hours)["title"] == named


@pytest.mark.parametrize(
    "hours",
    [
        {"start_time": "24:00"},
        {"start_time": "9:00"},
        {"end_time": "13:00:00"},
        {"start_time": "13:00+01:00"},
        {"start_time": "13:00", "end_time": "13:00"},
        {"start_time": "18:00", "end_time": "13:00"},
        {"end_time": "00:00"},
    ],
)
def test_hours_that_make_no_sense_are_refused(ana: Practitioner, hours: dict[str, str]) -> None:
    day = (clock.now().date() + timedelta(days=5)).isoformat()
    body, me = {"first_day": day, "last_day": day, **hours}, host(ana)
    for answer in (
        me.get(DAYS, body),
        me.post(DAYS, {**body, "preview_id": "prv_1"}),
        me.post("/api/v1/roster/days/open/", body),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_past_changes_are_listed_newest_first_for_their_practitioner_only(
    ana: Practitioner, buyer: APIClient
) -> None:
    me, listed = host(ana), "/api/v1/roster/changes/"
    with CaptureQueriesContext(connection) as empty:
        assert me.get(listed).json()["results"] == []
    day = clock.now().date() + timedelta(days=20)
    changes = [
        act(me, DAYS, first_day=one.isoformat(), last_day=one.isoformat())
        for one in (day, day + timedelta(days=1), day + timedelta(days=2))
    ]
    with CaptureQueriesContext(connection) as full:
        answer = me.get(listed).json()
    assert len(full) == len(empty)
    assert [one["change_id"] for one in answer["results"]] == [one["change_id"] for one in reversed(changes)]
    assert {one["kind"] for one in answer["results"]} == {"call_off_days"}
    first = me.get(listed, {"page_size": 2}).json()
    assert len(me.get(first["next"]).json()["results"]) == 1
    assert host(make_practitioner("Bela Novak")).get(listed).json()["results"] == []
    assert refusal(buyer.get(listed)) == (403, "practitioners_only")
    assert me.get(listed, {"page_size": 0}).status_code == 400


def test_the_days_of_another_practitioner_stay_as_they_are(
    stripe: Sandbox, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    bela = host(make_practitioner("Bela Novak"))
    assert preview(bela, DAYS, **days_around(workshop))["rows"] == []
    act(bela, DAYS, **days_around(workshop))
    settle_everything(stripe)
    assert buying.status_of(order) == "completed"
    assert bela.get(f"/api/v1/roster/changes/{DateChange.objects.get().public_id}/").status_code == 200


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (5, 4, "invalid_request"),
        (5, 40, "invalid_request"),
        (-9, -5, "slot_in_past"),
        (900, 901, "invalid_request"),
    ],
)
def test_days_that_make_no_sense_are_refused(ana: Practitioner, first: int, last: int, code: str) -> None:
    today = clock.now().date()
    days = {
        "first_day": (today + timedelta(days=first)).isoformat(),
        "last_day": (today + timedelta(days=last)).isoformat(),
    }
    me = host(ana)
    assert refusal(me.get(DAYS, days)) == (400, code)
    assert refusal(me.post(DAYS, {**days, "preview_id": "prv_1"})) == (400, code)
    assert refusal(me.get(DAYS, {"first_day": "9999-12-31", "last_day": "9999-12-31"})) == (
        400,
        "invalid_request",
    )


def test_a_change_is_seen_by_its_practitioner_only(ana: Practitioner, workshop: ServiceSession) -> None:
    change = act(host(ana), DAYS, **days_around(workshop))
    url = f"/api/v1/roster/changes/{change['change_id']}/"
    assert host(make_practitioner("Bela Novak")).get(url).status_code == 404
    assert host(ana).get(url).json()["status"] in {"running", "done"}
    assert not Order.objects.exists()
