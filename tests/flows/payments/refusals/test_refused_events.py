"""A request that the webhook refuses is logged with its reason, and counted without a query."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError

from estuary.common import clock
from estuary.common.observability import metrics
from estuary.payments.models import Refusal
from estuary.payments.refusals.daily_counts import delete_old_refusals
from estuary.payments.refusals.webhook_counter import WEBHOOK_COUNTER, Counts, WebhookCounter
from stripe_sandbox import Sandbox
from tests.flows.payments.webhooks.test_webhook import BODY, code, send, signed
from tests.flows.payments.webhooks.test_webhook_on_the_wire import serving
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

REASONS: dict[str, Callable[[], str | None]] = {
    "no_header": lambda: None,
    "malformed_header": lambda: "t=yesterday,v1=abc",
    "no_secret_fits": lambda: signed(BODY, "whsec_of_another_endpoint"),
    "too_old": lambda: signed(BODY, at=time.time() - 301),
    "too_new": lambda: signed(BODY, at=time.time() + 330),
}


@pytest.fixture(autouse=True)
def nothing_counted_before() -> Iterator[None]:
    WEBHOOK_COUNTER._counts.clear()
    yield
    WEBHOOK_COUNTER._counts.clear()


def refusals() -> dict[str, int]:
    return dict(Refusal.objects.values_list("reason", "count"))


@pytest.mark.parametrize("reason", REASONS)
def test_each_refusal_is_logged_counted_and_answered_with_its_reason(
    stripe: Sandbox, reason: str, caplog: pytest.LogCaptureFixture, django_assert_num_queries: Any
) -> None:
    before = metrics.EVENTS_REFUSED.labels(reason)._value.get()
    with caplog.at_level(logging.WARNING), django_assert_num_queries(0):
        answer = send(BODY, REASONS[reason]())
    assert code(answer) == (400, "bad_signature")
    assert f"'reason': '{reason}'" in caplog.text
    assert metrics.EVENTS_REFUSED.labels(reason)._value.get() == before + 1
    assert refusals() == {}
    WEBHOOK_COUNTER.flush()
    assert refusals() == {reason: 1}


def test_a_time_of_thousands_of_digits_is_malformed_and_no_bug(stripe: Sandbox) -> None:
    assert code(send(BODY, f"t={'9' * 5000},v1=abc")) == (400, "bad_signature")
    WEBHOOK_COUNTER.flush()
    assert refusals() == {"malformed_header": 1}


def test_a_body_that_is_no_event_is_counted_too(stripe: Sandbox) -> None:
    assert send(b"{}", signed(b"{}")).status_code == 400
    WEBHOOK_COUNTER.flush()
    assert refusals() == {"not_an_event": 1}


def test_counts_of_several_processes_add_up_and_nothing_is_stored_twice() -> None:
    at = clock.now()
    for times in (3, 4):
        counter = WebhookCounter()
        for _ in range(times):
            counter.count("no_header", at)
        counter.flush()
        counter.flush()
    [row] = Refusal.objects.all()
    assert (row.count, row.last_at, row.day) == (7, at, at.date())


@pytest.mark.parametrize("kind", [DatabaseError, InterfaceError])
def test_what_the_database_does_not_take_is_kept_for_the_next_time(kind: type[Exception]) -> None:
    stored: list[Counts] = []
    answers = iter([kind("gone"), None])

    def store(counts: Counts) -> None:
        if error := next(answers):
            raise error
        stored.append(counts)

    counter, at = WebhookCounter(store), clock.now()
    counter.count("no_header", at)
    counter.flush()
    counter.count("no_header", at)
    counter.flush()
    assert stored == [{"no_header": (2, at)}]


def test_in_the_web_server_the_first_refusal_is_stored_within_moments() -> None:
    stored: list[Counts] = []
    counter = WebhookCounter(stored.append)
    counter.flush_in_background()
    counter.flush_in_background()
    counter.count("no_header", clock.now())
    wait_until(lambda: bool(stored))
    assert [list(counts) for counts in stored] == [["no_header"]]


def test_the_web_server_stores_what_it_refused_before_django_saw_it(transactional_db: None) -> None:
    with serving("--workers", "1") as wire:
        assert wire.post("Content-Length: 5", b"hello", "t=1,v1=00") == 400
        wait_until(Refusal.objects.exists)
    assert refusals() == {"no_secret_fits": 1}


def test_old_counts_are_deleted() -> None:
    counter, at = WebhookCounter(), clock.now()
    counter.count("no_header", at - timedelta(days=31))
    counter.flush()
    counter.count("no_header", at)
    counter.flush()
    assert (delete_old_refusals(), refusals()) == (1, {"no_header": 1})
