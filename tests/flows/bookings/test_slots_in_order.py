"""Whoever takes several slots takes them in the calendar's order: two who want the same never deadlock."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.forms import inlineformset_factory
from django.test.utils import CaptureQueriesContext

from estuary.accounts.models import Practitioner
from estuary.bookings import fulfilment
from estuary.bookings.fulfilment import take_slots
from estuary.bookings.models import Booking
from estuary.catalog.admin.sessions import SessionForm, SessionFormSet
from estuary.catalog.calendar import CalendarEntry, insert_free_entries
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from tests.factories import make_practitioner, make_service

pytestmark = pytest.mark.django_db(transaction=True)

type Interval = tuple[int, datetime, datetime]


def hours(practitioner: Practitioner, *hours: int) -> list[Interval]:
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return [(practitioner.pk, day + timedelta(hours=hour), day + timedelta(hours=hour + 1)) for hour in hours]


def test_slots_come_back_in_the_order_in_which_they_were_wished_for(ana: Practitioner) -> None:
    wished = [*hours(make_practitioner("Ben Okri"), 11), *hours(ana, 15, 9, 12)]
    entries = take_slots(wished)
    assert [(entry.practitioner_id, entry.during.lower, entry.during.upper) for entry in entries] == wished
    written = CalendarEntry.objects.order_by("pk").values_list("practitioner_id", "during")
    assert [(owner, during.lower) for owner, during in written] == sorted(
        (who, start) for who, start, _ in wished
    )


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees one state of it else
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND wait_event_type = 'Lock'",
            ["%catalog_calendarentry%"],
        )
        return int(cursor.fetchone()[0])


def wait_until(how_many: int, threads: list[threading.Thread]) -> None:
    for _ in range(500):
        if waiting() >= how_many or not any(thread.is_alive() for thread in threads):
            return
        threading.Event().wait(0.02)


def test_a_purchase_and_a_settlement_that_want_the_same_slots_do_not_deadlock(ana: Practitioner) -> None:
    early, middle, late = hours(ana, 9, 11, 15)
    outcomes: dict[str, str] = {}

    def run(name: str, intervals: list[Interval]) -> None:
        try:
            with transaction.atomic():
                free = take_slots(intervals) if name == "purchase" else insert_free_entries(intervals)
                outcomes[name] = f"took {len(free)}"
        except Exception as error:
            outcomes[name] = type(error).__name__
        finally:
            connection.close()

    purchase = threading.Thread(target=run, args=("purchase", [late, middle, early]))
    settlement = threading.Thread(target=run, args=("settlement", [early, late]))
    with transaction.atomic():
        take_slots([middle])
        purchase.start()
        wait_until(1, [purchase])
        settlement.start()
        wait_until(2, [purchase, settlement])
        transaction.set_rollback(True)
    purchase.join()
    settlement.join()
    assert outcomes == {"purchase": "took 3", "settlement": "took 0"}


def test_bookings_that_are_over_are_locked_in_the_order_of_whoever_cancels(transactional_db: None) -> None:
    for verb in (
        lambda: fulfilment.close_past(at=clock.now()),
        lambda: fulfilment.set_status([Booking(pk=2), Booking(pk=1)], Booking.Status.CONFIRMED),
    ):
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            verb()
        updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
        assert updates
        for update in updates:
            assert "ORDER BY 1 ASC FOR NO KEY UPDATE)" in update


def test_staff_who_add_several_dates_take_them_in_the_calendars_order(ana: Practitioner) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    formset = inlineformset_factory(
        Service, ServiceSession, form=SessionForm, formset=SessionFormSet, extra=3
    )
    data = {"sessions-TOTAL_FORMS": "3", "sessions-INITIAL_FORMS": "0"}
    for number, (_, start, end) in enumerate(hours(ana, 15, 9, 12)):
        data |= {
            f"sessions-{number}-starts_at": start.isoformat(),
            f"sessions-{number}-ends_at": end.isoformat(),
            f"sessions-{number}-capacity": "5",
        }
    form = formset(data, instance=workshop, prefix="sessions")
    assert form.is_valid(), form.errors
    form.save()
    starts = CalendarEntry.objects.order_by("pk").values_list("during", flat=True)
    assert [during.lower.hour for during in starts] == [9, 12, 15]
