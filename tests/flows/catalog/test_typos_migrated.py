"""A database from before there were limits: what is beyond them is brought within, and what was sold stays in place."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from estuary.accounts.models import Practitioner
from estuary.catalog.bounds import EARLIEST, LATEST, SESSION_MAX
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServicePrice, ServiceSession, ServiceType
from tests.factories import make_practitioner, make_service, make_sessions

pytestmark = pytest.mark.django_db(transaction=True)

BEYOND = [
    (datetime(1, 1, 2, tzinfo=UTC), datetime(1, 1, 3, tzinfo=UTC)),
    (datetime(9999, 12, 1, tzinfo=UTC), datetime(9999, 12, 2, tzinfo=UTC)),
    (datetime(2027, 1, 1, tzinfo=UTC), datetime(2072, 1, 1, tzinfo=UTC)),
]


def plant(service: Service, dates: list[ServiceSession]) -> None:
    """Write what a form has taken, which those of today refuse."""
    Service.objects.filter(pk=service.pk).update(
        validity_days=9_000_000, free_cancel_hours=200_000_000, slot_step_min=2_147_483_647,
        duration_min=2_147_483_647, sale_ends_at=datetime(9999, 12, 31, tzinfo=UTC),
        sale_starts_at=datetime(1, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    ServicePrice.objects.filter(service=service, currency="usd").update(amount_minor=10**15)
    for session, (starts_at, ends_at) in zip(dates, BEYOND, strict=True):
        # The table has only the columns of then.
        CalendarEntry.objects.filter(pk=session.calendar_entry_id).update(during=(starts_at, ends_at))
        ServiceSession.objects.filter(pk=session.pk).update(
            starts_at=starts_at, ends_at=ends_at, capacity=2_000_000_000
        )


@pytest.mark.exhaustive
def test_typos_of_old_are_brought_within_the_limits_and_the_rest_is_left_alone() -> None:
    ana: Practitioner = make_practitioner()
    workshop, other = (
        make_service(ServiceType.WORKSHOP, ana),
        make_service(ServiceType.SESSION, make_practitioner()),
    )
    dates = make_sessions(workshop, 3)
    untouched = Service.objects.filter(pk=other.pk).values()[0]
    try:
        call_command("migrate", "catalog", "0003", verbosity=0)
        plant(workshop, dates)
    finally:
        call_command("migrate", verbosity=0)
    workshop.refresh_from_db()
    assert (workshop.validity_days, workshop.free_cancel_hours) == (3660, 8784)
    assert (workshop.duration_min, workshop.slot_step_min) == (1440, 1440)
    assert (workshop.sale_starts_at, workshop.sale_ends_at) == (EARLIEST, LATEST)
    assert workshop.prices.get(currency="usd").amount_minor == 99_999_999
    assert Service.objects.filter(pk=other.pk).values()[0] == untouched
    for session in workshop.sessions.all():
        assert EARLIEST <= session.starts_at < session.ends_at <= min(LATEST, session.starts_at + SESSION_MAX)
        assert session.capacity == 10_000
        during = CalendarEntry.objects.get(pk=session.calendar_entry_id).during
        assert (during.lower, during.upper) == (session.starts_at, session.ends_at)
    assert workshop.sessions.filter(
        starts_at=BEYOND[2][0], ends_at=BEYOND[2][0] + timedelta(days=31)
    ).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        assert cursor.fetchall() == []
