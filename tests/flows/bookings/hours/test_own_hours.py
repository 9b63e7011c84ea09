"""A practitioner reads and changes the own hours, and buyers see at once what is free."""

from datetime import date, datetime, time, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import Availability, AvailabilityException, Service, ServiceType
from estuary.common import clock
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service
from tests.flows import buying
from tests.flows.bookings.hours.acting import (
    HOURS,
    day_url,
    done,
    every_day,
    host,
    put_day,
    put_week,
    read,
    refusal,
    starts_on,
    window,
)
from tests.flows.payments.dates.acting import DAYS, act

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lesson(ana: Practitioner) -> Service:
    """An hour, on every hour."""
    return make_service(ServiceType.SESSION, ana, usd=5_000, duration_min=60, slot_step_min=60)


def ahead(days: int) -> date:
    return clock.now().date() + timedelta(days=days)


def test_the_hours_are_shown_with_their_zone(ana: Practitioner) -> None:
    shown = read(host(ana))
    assert shown["time_zone"] == "Europe/Lisbon"
    assert shown["week"] == every_day(window("09:00", "17:00"))
    assert (shown["exceptions"], shown["days_off"], shown["outside"]["count"]) == ([], [], 0)


def test_a_new_week_is_what_buyers_see(ana: Practitioner, lesson: Service, buyer: APIClient) -> None:
    week = [
        {"weekday": 0, "windows": [window("22:00", "24:00"), window("09:00", "11:00")]},
        {"weekday": 1, "windows": [window("00:00", "00:00")]},
    ]
    monday = ahead(7) + timedelta(days=-ahead(7).weekday() % 7)
    shown = done(put_week(host(ana), week))
    assert shown["week"][0]["windows"] == [window("09:00", "11:00"), window("22:00", "24:00")]
    assert [len(day["windows"]) for day in shown["week"]] == [2, 1, 0, 0, 0, 0, 0]
    assert shown == read(host(ana))
    assert starts_on(buyer, lesson, monday) == ["09:00", "10:00", "22:00", "23:00"]
    assert len(starts_on(buyer, lesson, monday + timedelta(days=1))) == 24
    assert starts_on(buyer, lesson, monday + timedelta(days=2)) == []


def test_what_stays_is_not_written_again(ana: Practitioner) -> None:
    kept = set(Availability.objects.exclude(weekday=3).values_list("pk", flat=True))
    week = every_day(window("09:00", "17:00"))
    week[3] = {"weekday": 3, "windows": [window("10:00", "12:00")]}
    done(put_week(host(ana), week))
    assert kept < set(Availability.objects.values_list("pk", flat=True))
    [entry] = LogEntry.objects.filter(change_message__startswith="Changed the hours")
    assert entry.change_message == "Changed the hours of Thursday: 09:00–17:00 → 10:00–12:00"
    done(put_week(host(ana), week))
    assert LogEntry.objects.count() == 1


def test_a_date_has_other_hours_in_place_of_the_weekly_ones(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    me, day = host(ana), ahead(10)
    [shown] = done(put_day(me, day, window("18:00", "20:00")))["exceptions"]
    assert (shown["day"], shown["windows"]) == (day.isoformat(), [window("18:00", "20:00")])
    assert starts_on(buyer, lesson, day) == ["18:00", "19:00"]
    assert starts_on(buyer, lesson, day + timedelta(days=1))[0] == "09:00"
    nine, evening = (datetime.combine(day, time(hour), ana.zone).isoformat() for hour in (9, 18))
    buying.refused(
        buyer,
        400,
        "outside_availability",
        service_id=str(lesson.pk),
        scheduling_data={"start_datetime": nine},
    )
    buying.pay(stripe, buying.service(buyer, lesson, start_datetime=evening))
    assert starts_on(buyer, lesson, day) == ["19:00"]


def test_a_date_may_have_no_hours_and_get_the_weekly_ones_back(
    ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    me, day = host(ana), ahead(10)
    free = starts_on(buyer, lesson, day)
    [shown] = done(put_day(me, day))["exceptions"]
    assert (shown["windows"], starts_on(buyer, lesson, day)) == ([], [])
    replaced = done(put_day(me, day, window("09:00", "10:00"), version=shown["version"]))
    assert starts_on(buyer, lesson, day) == ["09:00"]
    assert replaced["exceptions"][0]["version"] != shown["version"]
    for _ in range(2):
        assert done(me.delete(day_url(day)))["exceptions"] == []
        assert starts_on(buyer, lesson, day) == free
    assert not AvailabilityException.objects.exists()


def test_bookings_that_are_outside_now_are_named_and_stand(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    me, day = host(ana), ahead(10)
    early, late = (datetime.combine(day, time(hour), ana.zone).isoformat() for hour in (9, 16))
    for start in (early, late):
        buying.pay(stripe, buying.service(buyer, lesson, start_datetime=start))
    outside = done(put_day(me, day, window("09:00", "12:00")))["outside"]
    assert outside["count"] == 1
    [booking] = outside["bookings"]
    assert (booking["guest"], booking["service_name"]) == ("Maya Lindqvist", lesson.name)
    assert datetime.fromisoformat(booking["start_datetime"]) == datetime.fromisoformat(late)
    assert done(put_day(me, day, version=read(me)["exceptions"][0]["version"]))["outside"]["count"] == 2
    done(me.delete(day_url(day)))
    assert done(put_week(me, []))["outside"]["count"] == 2
    assert set(Booking.objects.values_list("status", flat=True)) == {"confirmed"}
    assert done(put_week(me, every_day(window("09:00", "17:00"))))["outside"]["count"] == 0


def test_days_that_were_called_off_are_shown_until_they_are_open_again(ana: Practitioner) -> None:
    me = host(ana)
    days = {"first_day": ahead(9).isoformat(), "last_day": ahead(11).isoformat()}
    act(me, DAYS, **days)
    [shown] = read(me)["days_off"]
    assert days.items() <= shown.items()
    middle = {"first_day": ahead(10).isoformat(), "last_day": ahead(10).isoformat()}
    done(me.post("/api/v1/roster/days/open/", middle))
    assert [(one["first_day"], one["last_day"]) for one in read(me)["days_off"]] == [
        (days["first_day"], days["first_day"]),
        (days["last_day"], days["last_day"]),
    ]
    act(me, DAYS, **middle)
    done(me.post("/api/v1/roster/days/open/", days))
    assert read(me)["days_off"] == []


def test_a_row_of_days_off_opens_its_own_hours_and_no_more(ana: Practitioner) -> None:
    me, first, last = host(ana), ahead(9).isoformat(), ahead(10).isoformat()
    morning = {"first_day": first, "last_day": first, "start_time": "08:00", "end_time": "10:00"}
    evening = {"first_day": first, "last_day": last, "start_time": "18:00"}
    for part in (morning, evening):
        act(me, DAYS, **part)
    shown = read(me)["days_off"]
    assert shown[0].items() >= morning.items()
    assert shown[1].items() >= {**evening, "end_time": None}.items()
    names = ("first_day", "last_day", "start_time", "end_time")
    done(me.post("/api/v1/roster/days/open/", {name: shown[0][name] for name in names}))
    assert read(me)["days_off"] == shown[1:]
    rest = {name: shown[1][name] for name in names if shown[1][name] is not None}
    done(me.post("/api/v1/roster/days/open/", rest))
    assert read(me)["days_off"] == []


def test_each_practitioner_has_own_hours(ana: Practitioner, buyer: APIClient) -> None:
    bela = host(make_practitioner("Bela Novak", time_zone="Asia/Tokyo"))
    done(put_week(bela, []))
    done(put_day(bela, ahead(5), window("09:00", "10:00")))
    assert read(host(ana))["week"] == every_day(window("09:00", "17:00"))
    assert read(host(ana))["exceptions"] == []
    body = {"version": "", "windows": [], "week": []}
    assert refusal(buyer.get(HOURS)) == (403, "practitioners_only")
    assert refusal(buyer.put(HOURS, body)) == (403, "practitioners_only")
    assert refusal(buyer.put(day_url(ahead(5)), body)) == (403, "practitioners_only")
    assert refusal(buyer.delete(day_url(ahead(5)))) == (403, "practitioners_only")


def test_reading_the_hours_takes_a_constant_number_of_queries(
    stripe: Sandbox, ana: Practitioner, lesson: Service, buyer: APIClient
) -> None:
    me = host(ana)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            read(me)
        return len(captured)

    first = queries()
    for number in range(3):
        done(put_day(me, ahead(20 + number)))
        start = datetime.combine(ahead(10), time(9 + number), ana.zone).isoformat()
        buying.pay(stripe, buying.service(buyer, lesson, start_datetime=start))
    done(put_week(me, []))
    assert queries() == first


def test_the_database_holds_no_half_of_a_window(ana: Practitioner) -> None:
    rows = AvailabilityException.objects
    for times in (
        {"starts": time(9)},
        {"ends": time(9)},
        {"starts": time(9), "ends": time(8)},
    ):
        with (
            pytest.raises(IntegrityError, match="availability_exception_ends_by_midnight"),
            transaction.atomic(),
        ):
            rows.create(practitioner=ana, day=ahead(3), **times)
    rows.create(practitioner=ana, day=ahead(3))
    with pytest.raises(IntegrityError, match="availability_exception_once"), transaction.atomic():
        rows.create(practitioner=ana, day=ahead(3))
