"""Hours that can't be: each is refused with a code and a sentence, and nothing changes."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.bounds import EXCEPTIONS_MAX, WINDOWS_MAX
from estuary.catalog.models import AvailabilityException
from estuary.common import clock
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
    window,
)

pytestmark = pytest.mark.django_db(transaction=True)

INVALID, UNKEPT = "invalid_request", "invalid_hours"
MANY = [window(f"{hour:02}:00", f"{hour:02}:30") for hour in range(WINDOWS_MAX + 1)]
NINE_TO_FIVE = window("09:00", "17:00")


@pytest.fixture
def me(ana: Practitioner) -> APIClient:
    return host(ana)


BAD_WINDOWS: list[tuple[Any, str]] = [
    ([NINE_TO_FIVE, window("16:59", "18:00")], UNKEPT),
    ([NINE_TO_FIVE, NINE_TO_FIVE], UNKEPT),
    ([window("22:00", "24:00"), window("23:00", "23:30")], UNKEPT),
    ([window("17:00", "09:00")], UNKEPT),
    ([window("09:00", "09:00")], UNKEPT),
    (MANY, UNKEPT),
    ([*MANY, window("23:00", "23:30")], INVALID),
    ([window("25:00", "26:00")], INVALID),
    ([window("24:00", "24:00")], INVALID),
    ([window("09:00", "24:01")], INVALID),
    ([window("09:00:30", "17:00")], INVALID),
    ([window("9:00", "17:00")], INVALID),
    ([window("09:00 ", "17:00")], INVALID),
    ([window("٠٩:٠٠", "17:00")], INVALID),
    ([window("<b>09:00</b>", "17:00")], INVALID),
    ([{"starts": 900, "ends": "17:00"}], INVALID),
    ([{"starts": None, "ends": "17:00"}], INVALID),
    ([{"ends": "17:00"}], INVALID),
    (["09:00-17:00"], INVALID),
    ("09:00-17:00", INVALID),
    ({"starts": "09:00", "ends": "17:00"}, INVALID),
    (None, INVALID),
]


def test_windows_that_can_not_be_are_refused_and_nothing_changes(me: APIClient) -> None:
    before = read(me)
    day = day_url(clock.now().date() + timedelta(days=3))
    for windows, code in BAD_WINDOWS:
        week = [{"weekday": 2, "windows": windows}]
        assert refusal(put_week(me, week, version=before["version"])) == (400, code), windows
        assert refusal(me.put(day, {"version": "", "windows": windows})) == (400, code), windows
    assert read(me) == before


BAD_WEEKS: list[Any] = [
    [{"weekday": 7, "windows": []}],
    [{"weekday": -1, "windows": []}],
    [{"weekday": "Monday", "windows": []}],
    [{"weekday": True, "windows": []}],
    [{"weekday": "0", "windows": []}],
    [{"weekday": 1.5, "windows": []}],
    [{"weekday": 0}],
    [{"windows": []}],
    [{"weekday": 0, "windows": []}, {"weekday": 0, "windows": [NINE_TO_FIVE]}],
    every_day(NINE_TO_FIVE) + every_day(),
    {"0": []},
    "Monday",
    None,
    5,
]


def test_a_week_that_can_not_be_is_refused(me: APIClient) -> None:
    before = read(me)
    for week in BAD_WEEKS:
        assert refusal(put_week(me, week, version=before["version"])) == (400, INVALID), week
    assert read(me) == before


def test_a_sentence_names_the_day_and_the_windows(me: APIClient) -> None:
    overlapping = [window("09:00", "12:00"), window("11:00", "24:00")]
    answer = put_week(me, [{"weekday": 4, "windows": overlapping}])
    assert answer.json()["detail"].startswith("On Friday, 09:00–12:00 and 11:00–24:00 overlap.")
    answer = put_week(me, [{"weekday": 6, "windows": [window("22:00", "02:00")]}])
    assert "On Sunday, 22:00–02:00 ends before it begins." in answer.json()["detail"]


def test_a_version_is_text(me: APIClient) -> None:
    versions: list[Any] = [None, 7, [], {}, "x" * 65]
    for version in versions:
        assert refusal(me.put(HOURS, {"version": version, "week": []})) == (400, INVALID), version
    assert refusal(me.put(HOURS, {"week": []})) == (400, INVALID)


def test_the_second_of_two_tabs_overwrites_nothing(me: APIClient) -> None:
    seen = read(me)["version"]
    done(put_week(me, every_day(window("10:00", "12:00")), version=seen))
    assert refusal(put_week(me, [], version=seen)) == (409, "hours_changed")
    assert refusal(put_week(me, [], version="<b>")) == (409, "hours_changed")
    assert read(me)["week"] == every_day(window("10:00", "12:00"))

    day = clock.now().date() + timedelta(days=3)
    done(put_day(me, day, NINE_TO_FIVE))
    assert refusal(put_day(me, day)) == (409, "hours_changed")
    other_day = day + timedelta(days=1)
    assert refusal(put_day(me, other_day, version=seen)) == (409, "hours_changed")
    [kept] = read(me)["exceptions"]
    assert kept["windows"] == [NINE_TO_FIVE]


def test_other_hours_begin_today_and_end_in_a_year(ana: Practitioner, me: APIClient) -> None:
    today = clock.now().astimezone(ana.zone).date()
    for days in (0, 366):
        done(put_day(me, today + timedelta(days=days)))
        done(me.delete(day_url(today + timedelta(days=days))))
    for days in (-1, 367):
        assert refusal(put_day(me, today + timedelta(days=days))) == (400, UNKEPT)
        assert refusal(me.delete(day_url(today + timedelta(days=days)))) == (400, UNKEPT)


def test_what_is_no_date_is_not_found(me: APIClient) -> None:
    for day in ("2026-02-30", "0000-01-01", "yesterday", "20260101", "9999-99-99", "<b>"):
        assert me.put(day_url(day), {"version": "", "windows": []}).status_code == 404, day
        assert me.delete(day_url(day)).status_code == 404, day
    for day in ("0001-01-01", "9999-12-31"):
        assert refusal(me.put(day_url(day), {"version": "", "windows": []})) == (400, UNKEPT), day


def test_the_days_with_other_hours_are_bounded(ana: Practitioner, me: APIClient) -> None:
    today = clock.now().astimezone(ana.zone).date()
    AvailabilityException.objects.bulk_create(
        AvailabilityException(practitioner=ana, day=today + timedelta(days=number))
        for number in range(-5, EXCEPTIONS_MAX)
    )
    next_day = today + timedelta(days=EXCEPTIONS_MAX)
    assert refusal(put_day(me, next_day)) == (409, "too_many_exceptions")
    first = read(me)["exceptions"][0]
    done(put_day(me, today, NINE_TO_FIVE, version=first["version"]))
    done(me.delete(day_url(today)))
    done(put_day(me, next_day))


def test_a_body_is_json(me: APIClient) -> None:
    day = day_url(clock.now().date() + timedelta(days=3))
    for url in (HOURS, day):
        answer = me.put(url, data="{", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
        answer = me.put(url, data="a=b", content_type="text/plain")
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert me.put(url, []).status_code == 400
    assert me.post(HOURS, {}).status_code == 405
