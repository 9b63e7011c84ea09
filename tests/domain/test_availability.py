"""Free slots: weekly windows in the practitioner's wall clock, also on the days on which that clock jumps."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from estuary.accounts.models import Practitioner
from estuary.catalog.availability import (
    OutsideAvailability,
    Slot,
    SlotInPast,
    check_slots,
    free_slots,
)
from estuary.catalog.calendar import insert_entries
from estuary.catalog.models import Availability, AvailabilityException, Service, ServiceType
from tests.factories import make_practitioner, make_service

pytestmark = pytest.mark.django_db
LISBON = ZoneInfo("Europe/Lisbon")
BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONDAY = date(2026, 1, 12)


def a_session(
    windows: list[tuple[str, str]], *, time_zone: str = "Europe/Berlin", minutes: int = 60, step: int = 30
) -> Service:
    """A 1-on-1 session whose practitioner has the same windows on every day."""
    practitioner = make_practitioner(time_zone=time_zone)
    Availability.objects.filter(practitioner=practitioner).delete()
    for weekday in range(7):
        for starts, ends in windows:
            Availability.objects.create(
                practitioner=practitioner,
                weekday=weekday,
                starts=time.fromisoformat(starts),
                ends=time.fromisoformat(ends),
            )
    return make_service(ServiceType.SESSION, practitioner, duration_min=minutes, slot_step_min=step)


def local_starts(service: Service, day: date, *, at: datetime = AT) -> list[str]:
    zone = service.practitioner.zone
    return [
        f"{s.starts_at.astimezone(zone):%H:%M}" for s in free_slots(service, first_day=day, days=1, at=at)
    ]


def slot_end(service: Service, starts_at: datetime, *, at: datetime) -> datetime:
    return check_slots([(service, starts_at)], at=at)[0]


def take(practitioner: Practitioner, starts_at: datetime, minutes: int) -> None:
    insert_entries([(practitioner.pk, starts_at, starts_at + timedelta(minutes=minutes))])


def test_a_day_is_offered_on_the_grid_of_its_windows() -> None:
    service = a_session([("09:00", "11:00"), ("14:15", "15:30")])
    assert local_starts(service, MONDAY) == ["09:00", "09:30", "10:00", "14:15"]


def test_slots_are_in_utc_and_as_long_as_the_service() -> None:
    service = a_session([("09:00", "10:30")], minutes=90)
    nine = datetime(2026, 1, 12, 8, tzinfo=UTC)
    assert free_slots(service, first_day=MONDAY, days=1, at=AT) == [Slot(nine, nine + timedelta(minutes=90))]


def test_only_the_weekdays_of_a_window_are_offered() -> None:
    service = a_session([("09:00", "10:00")])
    Availability.objects.exclude(weekday=2).delete()
    slots = free_slots(service, first_day=MONDAY, days=14, at=AT)
    assert [slot.starts_at.date() for slot in slots] == [date(2026, 1, 14), date(2026, 1, 21)]


def give_hours(service: Service, day: date, *windows: tuple[str, str]) -> None:
    """Give a date hours of its own; without windows, none."""
    for starts, ends in windows or [(None, None)]:
        AvailabilityException.objects.create(
            practitioner=service.practitioner,
            day=day,
            starts=starts and time.fromisoformat(starts),
            ends=ends and time.fromisoformat(ends),
        )


def test_a_date_with_hours_of_its_own_has_no_weekly_ones() -> None:
    service = a_session([("09:00", "11:00")])
    give_hours(service, MONDAY, ("18:00", "19:30"), ("07:00", "08:00"))
    give_hours(service, MONDAY + timedelta(days=1))
    assert local_starts(service, MONDAY) == ["07:00", "18:00", "18:30"]
    assert local_starts(service, MONDAY + timedelta(days=1)) == []
    assert local_starts(service, MONDAY + timedelta(days=2)) == ["09:00", "09:30", "10:00"]
    assert slot_end(service, datetime(2026, 1, 12, 18, tzinfo=BERLIN), at=AT)
    for day, hour in ((12, 9), (13, 9)):
        with pytest.raises(OutsideAvailability):
            slot_end(service, datetime(2026, 1, day, hour, tzinfo=BERLIN), at=AT)


def test_who_works_on_single_dates_alone_has_no_weekly_hours() -> None:
    service = a_session([])
    assert local_starts(service, MONDAY) == []
    give_hours(service, MONDAY, ("22:00", "00:00"))
    assert local_starts(service, MONDAY) == ["22:00", "22:30", "23:00"]
    assert slot_end(service, datetime(2026, 1, 12, 23, tzinfo=BERLIN), at=AT)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"])
def test_hours_of_a_date_are_found_in_every_zone(zone: str) -> None:
    service = a_session([("09:00", "10:00")], time_zone=zone)
    give_hours(service, MONDAY, ("00:00", "01:00"), ("23:00", "00:00"))
    assert local_starts(service, MONDAY) == ["00:00", "23:00"]
    for hour in (0, 23):
        assert slot_end(service, datetime(2026, 1, 12, hour, tzinfo=ZoneInfo(zone)), at=AT)


@pytest.mark.parametrize(
    ("day", "starts"),
    [
        (date(2026, 3, 29), ["01:00", "01:30", "03:00", "03:30"]),
        (date(2026, 10, 25), ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30"]),
    ],
)
def test_hours_of_the_date_on_which_clocks_change_are_real_hours(day: date, starts: list[str]) -> None:
    service = a_session([("09:00", "10:00")], minutes=30)
    give_hours(service, day, ("01:00", "04:00"))
    at = datetime.combine(day, time(0), UTC) - timedelta(days=5)
    assert local_starts(service, day, at=at) == starts


def test_what_is_taken_is_left_out_and_its_neighbours_are_not() -> None:
    service = a_session([("09:00", "13:00")])
    take(service.practitioner, datetime(2026, 1, 12, 10, tzinfo=BERLIN), 60)
    assert local_starts(service, MONDAY) == ["09:00", "11:00", "11:30", "12:00"]


def test_what_another_practitioner_does_is_no_matter() -> None:
    service = a_session([("09:00", "11:00")])
    take(make_practitioner(), datetime(2026, 1, 12, 9, tzinfo=BERLIN), 120)
    assert local_starts(service, MONDAY) == ["09:00", "09:30", "10:00"]


def test_an_entry_that_began_the_day_before_still_counts() -> None:
    service = a_session([("00:00", "02:00")])
    take(service.practitioner, datetime(2026, 1, 11, 22, tzinfo=BERLIN), 150)
    assert local_starts(service, MONDAY) == ["00:30", "01:00"]


def test_the_past_is_not_offered_and_the_present_minute_neither() -> None:
    service = a_session([("09:00", "12:00")])
    assert local_starts(service, MONDAY, at=datetime(2026, 1, 12, 10, tzinfo=BERLIN)) == ["10:30", "11:00"]
    assert (
        local_starts(service, MONDAY - timedelta(days=1), at=datetime(2026, 1, 12, 10, tzinfo=BERLIN)) == []
    )


def test_nothing_is_offered_more_than_a_year_ahead() -> None:
    service = a_session([("09:00", "10:00")])
    assert free_slots(service, first_day=AT.date() + timedelta(days=400), days=14, at=AT) == []


def test_the_days_may_be_those_of_the_viewer() -> None:
    service = a_session([("09:00", "10:00"), ("22:00", "23:00")])
    tokyo = ZoneInfo("Asia/Tokyo")
    slots = free_slots(service, first_day=MONDAY, days=1, at=AT, zone=tokyo)
    assert [f"{slot.starts_at.astimezone(tokyo):%d %H:%M}" for slot in slots] == ["12 06:00", "12 17:00"]


def test_on_the_day_of_the_gap_nothing_begins_at_a_time_that_does_not_exist() -> None:
    service = a_session([("00:00", "06:00")])  # Berlin jumps from 02:00 to 03:00 on 29 March 2026
    assert local_starts(service, date(2026, 3, 29)) == [
        "00:00", "00:30", "01:00", "01:30", "03:00", "03:30", "04:00", "04:30", "05:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("window", "offered"),
    [
        (
            ("02:30", "05:00"),
            ["03:00", "03:30", "04:00"],
        ),  # begins inside the gap: begins when the clock jumps
        (("00:30", "02:30"), ["00:30", "01:00"]),  # ends inside the gap: ends when the clock jumps
        (("02:00", "03:00"), []),  # does not take place
    ],
)
def test_a_window_that_touches_the_gap_neither_begins_early_nor_ends_late(
    window: tuple[str, str], offered: list[str]
) -> None:
    assert local_starts(a_session([window]), date(2026, 3, 29)) == offered


def test_on_the_day_of_the_fold_no_slot_is_offered_twice_and_none_is_lost() -> None:
    service = a_session([("01:00", "04:00")])  # Berlin goes through 02:00-03:00 twice on 25 October 2026
    slots = free_slots(service, first_day=date(2026, 10, 25), days=1, at=AT)
    assert [f"{slot.starts_at.astimezone(BERLIN):%H:%M}" for slot in slots] == [
        "01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00",
    ]  # fmt: skip
    gaps = {later.starts_at - sooner.starts_at for sooner, later in pairwise(slots)}
    assert gaps == {timedelta(minutes=30)}


def test_a_window_that_ends_in_the_fold_ends_the_first_time() -> None:
    assert local_starts(a_session([("01:00", "02:30")]), date(2026, 10, 25)) == ["01:00", "01:30"]


def test_where_the_clock_jumps_at_midnight_the_day_begins_at_one() -> None:
    service = a_session(
        [("00:00", "03:00")], time_zone="America/Santiago"
    )  # 6 September 2026 begins at 01:00
    assert local_starts(service, date(2026, 9, 6)) == ["01:00", "01:30", "02:00"]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), MONDAY])
def test_every_slot_that_is_offered_is_accepted(day: date) -> None:
    service = a_session([("00:00", "06:30"), ("12:10", "18:00")], minutes=50, step=20)
    slots = free_slots(service, first_day=day, days=1, at=AT)
    assert slots
    assert check_slots([(service, slot.starts_at) for slot in slots], at=AT) == [
        slot.ends_at for slot in slots
    ]


def test_a_start_may_come_in_any_time_zone() -> None:
    service = a_session([("09:00", "10:00")])
    ends_at = slot_end(service, datetime(2026, 1, 12, 3, tzinfo=ZoneInfo("America/New_York")), at=AT)
    assert ends_at == datetime(2026, 1, 12, 9, tzinfo=UTC)


@pytest.mark.parametrize("clock", ["08:30", "09:15", "10:30", "23:30"])
def test_a_start_off_the_grid_or_outside_the_windows_is_refused(clock: str) -> None:
    service = a_session([("09:00", "11:00")])
    with pytest.raises(OutsideAvailability) as refused:
        slot_end(service, datetime.combine(MONDAY, time.fromisoformat(clock), BERLIN), at=AT)
    assert (refused.value.code, refused.value.status) == ("outside_availability", 400)


def test_a_practitioner_without_windows_offers_nothing() -> None:
    service = a_session([])
    assert local_starts(service, MONDAY) == []
    with pytest.raises(OutsideAvailability):
        slot_end(service, datetime.combine(MONDAY, time(9), BERLIN), at=AT)


@pytest.mark.parametrize("starts_at", [AT, AT - timedelta(days=7), datetime.min.replace(tzinfo=UTC)])
def test_a_start_in_the_past_is_refused(starts_at: datetime) -> None:
    with pytest.raises(SlotInPast) as refused:
        slot_end(a_session([("09:00", "17:00")]), starts_at, at=AT)
    assert (refused.value.code, refused.value.status) == ("slot_in_past", 400)


def test_the_end_of_the_calendar_is_refused_and_not_a_crash() -> None:
    with pytest.raises(OutsideAvailability):
        slot_end(a_session([("09:00", "17:00")]), datetime.max.replace(tzinfo=UTC), at=AT)


def test_free_slots_take_two_queries_however_long_the_list(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    service = a_session([("00:00", "23:30")])
    for day in range(1, 20):
        take(service.practitioner, datetime(2026, 1, 10 + day, 10, tzinfo=UTC), 45)
    with django_assert_num_queries(2):
        assert len(free_slots(service, first_day=MONDAY, days=28, at=AT)) > 1000


def test_many_slots_are_checked_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    services = [a_session([("09:00", "17:00")]) for _ in range(3)]
    nine = datetime.combine(MONDAY, time(9), BERLIN)
    pairs = [(service, nine + timedelta(days=day)) for service in services for day in range(4)]
    with django_assert_num_queries(1):
        assert len(check_slots(pairs, at=AT)) == 12
    with django_assert_num_queries(0):
        assert check_slots([], at=AT) == []


def test_the_calendar_itself_refuses_what_overlaps() -> None:
    practitioner = make_practitioner()
    nine = datetime(2026, 1, 12, 9, tzinfo=UTC)
    take(practitioner, nine, 60)
    take(practitioner, nine + timedelta(minutes=60), 60)
    with pytest.raises(IntegrityError), transaction.atomic():
        take(practitioner, nine + timedelta(minutes=59), 60)


# --- Until midnight, which is written 24:00 and kept as 00:00 -------------------------------------------------------


def test_hours_until_midnight_are_offered_to_the_last_slot() -> None:
    service = a_session([("18:00", "00:00")])
    assert local_starts(service, MONDAY)[-1] == "23:00"
    last = free_slots(service, first_day=MONDAY, days=1, at=AT)[-1]
    assert slot_end(service, last.starts_at, at=AT) == last.ends_at == datetime(2026, 1, 13, tzinfo=BERLIN)
    with pytest.raises(OutsideAvailability):
        slot_end(service, last.starts_at + timedelta(minutes=30), at=AT)


def test_a_whole_day_is_offered_from_midnight_to_midnight() -> None:
    service = a_session([("00:00", "00:00")], step=60)
    assert local_starts(service, MONDAY) == [f"{hour:02}:00" for hour in range(24)]


def test_hours_over_midnight_are_two_windows_and_no_session_crosses_from_one_into_the_other() -> None:
    service = a_session([("22:00", "00:00"), ("00:00", "02:00")], minutes=90)
    assert local_starts(service, MONDAY) == ["00:00", "00:30", "22:00", "22:30"]
    assert str(service.practitioner.availability.filter(starts=time(22))[0]) == "Monday 22:00–24:00"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        # Clocks jump over midnight itself, or show it twice.
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Africa/Cairo", date(2026, 10, 29), 25),
        ("America/Havana", date(2026, 3, 8), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Atlantic/Azores", date(2026, 10, 25), 25),
    ],
)
def test_whole_days_around_a_change_of_clocks_are_offered_once_and_without_a_gap(
    zone: str, day: date, hours: int
) -> None:
    service = a_session([("00:00", "00:00")], time_zone=zone, minutes=60, step=60)
    slots = free_slots(service, first_day=day - timedelta(days=1), days=4, at=AT)
    assert all(one.ends_at == other.starts_at for one, other in pairwise(slots))
    assert len(slots) == 3 * 24 + hours
    assert [slot_end(service, slot.starts_at, at=AT) for slot in slots] == [slot.ends_at for slot in slots]


def test_the_database_takes_midnight_as_an_end_and_no_window_that_ends_before_it_begins() -> None:
    practitioner = make_practitioner()
    Availability.objects.create(practitioner=practitioner, weekday=0, starts=time(18), ends=time(0))
    with pytest.raises(IntegrityError, match="availability_ends_by_midnight"), transaction.atomic():
        Availability.objects.create(practitioner=practitioner, weekday=0, starts=time(18), ends=time(2))
