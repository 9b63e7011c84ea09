"""A database from before the column: attempts that a process died in stay marked, and so they do on the way back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from estuary.common import clock
from estuary.payments.models import WebhookEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.exhaustive]

MARK = "A try was begun and has not ended. "
ERRORS = {
    "evt_first": MARK,
    "evt_again": f"{MARK}KeyError: 'amount'",
    "evt_long": (MARK + "x" * 500)[:500],
    "evt_failed": "KeyError: 'amount'",
    "evt_new": "",
}


@pytest.fixture
def before_the_column(transactional_db: None) -> Iterator[None]:
    at = clock.now()
    for name, error in ERRORS.items():
        WebhookEvent.objects.create(
            stripe_event_id=name, type="refund.updated", livemode=False, payload={}, error=error, due_at=at,
            created_at=at, received_at=at,
        )  # fmt: skip
    call_command("migrate", "payments", "0023", verbosity=0)
    try:
        yield
    finally:
        call_command("migrate", verbosity=0)


def errors() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stripe_event_id, error FROM payments_webhookevent")
        return dict(cursor.fetchall())


def test_started_attempts_keep_their_mark(before_the_column: None) -> None:
    assert errors() == ERRORS
    call_command("migrate", verbosity=0)
    assert errors() == {name: error.removeprefix(MARK) for name, error in ERRORS.items()}
    started = WebhookEvent.objects.exclude(attempt_started_at=None)
    assert {row.stripe_event_id for row in started} == {"evt_first", "evt_again", "evt_long"}
    minute = timedelta(minutes=1)
    assert all(row.attempt_started_at == row.due_at - minute for row in started)
    call_command("migrate", "payments", "0023", verbosity=0)
    assert errors() == ERRORS
