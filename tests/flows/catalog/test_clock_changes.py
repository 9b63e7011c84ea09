"""Times on the days on which clocks jump, in the past, or across each other: a clear no, or one booking."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Availability, Service, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import pay, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE_THE_GAP = datetime(2026, 3, 20, 12, tzinfo=UTC)  # Berlin jumps from 02:00 to 03:00 on 29 March 2026
BEFORE_THE_FOLD = datetime(
    2026, 10, 16, 12, tzinfo=UTC
)  # and goes through 02:00-03:00 twice on 25 October 2026


@contextmanager
def on(day: datetime) -> Iterator[APIClient]:
    with time_machine.travel(day, tick=True):
        yield signed_in(make_user("Maya Lindqvist"))


@pytest.fixture
def session(transactional_db: None) -> Service:
    """An hour, on every half hour of the night from one to five o'clock in Berlin."""
    host = make_practitioner(time_zone="Europe/Berlin")
    Availability.objects.filter(practitioner=host).update(starts=time(1), ends=time(5))
    return make_service(ServiceType.SESSION, host, duration_min=60, slot_step_min=30)


def wish_for(session: Service, start: str) -> buying.Json:
    return {"service_id": str(session.pk), "scheduling_data": {"start_datetime": start}}


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-03-29T02:30:00", "invalid_request"),  # does not say which moment it means, and there is none
        ("2026-03-29T01:30:00+02:00", "outside_availability"),  # half an hour before anyone is there
        ("2026-03-29T05:00:00+01:00", "outside_availability"),  # six o'clock on that day
        ("2026-03-29T04:30:00+02:00", "outside_availability"),  # would end after the window does
    ],
)
def test_a_start_that_the_gap_has_taken_away_is_refused(
    stripe: Sandbox, session: Service, start: str, code: str
) -> None:
    with on(BEFORE_THE_GAP) as buyer:
        buying.refused(buyer, 400, code, **wish_for(session, start))
        assert not CalendarEntry.objects.exists()


def test_a_start_after_the_gap_may_be_written_with_either_offset_and_is_one_slot(
    stripe: Sandbox, session: Service
) -> None:
    with on(BEFORE_THE_GAP) as buyer:
        order = buying.create(buyer, **wish_for(session, "2026-03-29T02:30:00+01:00"))
        other = signed_in(make_user("Tom Achterberg"))
        buying.refused(other, 409, "slot_taken", **wish_for(session, "2026-03-29T03:30:00+02:00"))
        buying.refused(other, 409, "slot_taken", **wish_for(session, "2026-03-29T03:00:00+02:00"))
        pay(stripe, order)
        assert status_of(order) == "completed"


def test_the_hour_that_comes_twice_is_two_hours_and_what_overlaps_across_the_fold_is_refused(
    stripe: Sandbox, session: Service
) -> None:
    with on(BEFORE_THE_FOLD) as buyer:
        buying.refused(buyer, 400, "invalid_request", **wish_for(session, "2026-10-25T02:30:00"))
        first = buying.create(buyer, **wish_for(session, "2026-10-25T02:30:00+02:00"))
        other = signed_in(make_user("Tom Achterberg"))
        # What begins at the first 02:30 lasts until the second 02:30.
        for overlapping in ("02:00:00+01:00", "02:00:00+02:00", "02:30:00+02:00"):
            buying.refused(other, 409, "slot_taken", **wish_for(session, f"2026-10-25T{overlapping}"))
        second = buying.create(other, **wish_for(session, "2026-10-25T02:30:00+01:00"))
        for order in (first, second):
            pay(stripe, order)
        assert (status_of(first), status_of(second)) == ("completed", "completed")
        taken = [entry.during for entry in CalendarEntry.objects.order_by("during")]
        assert [during.upper - during.lower for during in taken] == [timedelta(hours=1)] * 2
        assert taken[0].upper == taken[1].lower


@pytest.mark.parametrize("ago", [timedelta(minutes=1), timedelta(days=1), timedelta(days=400)])
def test_a_slot_in_the_past_is_refused(stripe: Sandbox, session: Service, ago: timedelta) -> None:
    with on(BEFORE_THE_FOLD + timedelta(hours=12)) as buyer:  # two at night in Berlin
        start = BEFORE_THE_FOLD + timedelta(hours=12) - ago
        buying.refused(buyer, 400, "slot_in_past", **wish_for(session, start.isoformat()))


def test_slots_that_overlap_are_sold_once_whichever_service_they_are_of(
    stripe: Sandbox, session: Service, maya: User
) -> None:
    longer = make_service(ServiceType.SESSION, session.practitioner, duration_min=120, slot_step_min=30)
    with on(BEFORE_THE_FOLD) as buyer:
        order = buying.create(buyer, **wish_for(session, "2026-10-20T02:00:00+02:00"))
        other = signed_in(make_user("Tom Achterberg"))
        for start in ("01:30", "02:00", "02:30"):
            wish = wish_for(longer, f"2026-10-20T{start}:00+02:00")
            buying.refused(other, 409, "slot_taken", **wish)
        pay(stripe, buying.create(other, **wish_for(longer, "2026-10-20T03:00:00+02:00")))
        pay(stripe, order)
        settle_everything(stripe)
        assert CalendarEntry.objects.count() == 2
