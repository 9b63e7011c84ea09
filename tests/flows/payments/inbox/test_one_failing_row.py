"""One payment that can't be settled: others are, the worker is well, and staff hear of it once, within minutes."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from estuary.accounts.models import Practitioner
from estuary.bookings import fulfilment
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import client, tasks
from estuary.payments.doctor import LIVENESS
from estuary.payments.doctor.check import Rule
from estuary.payments.doctor.runner import run_check, run_checks
from estuary.payments.errors import StripeUnreachable, run_all
from estuary.payments.inbox import processor
from estuary.payments.models import Dispute, SyncCursor, WebhookEvent
from estuary.payments.reconciliation import stripe_lists
from stripe_sandbox import Sandbox
from tests.factories import make_service
from tests.flows import buying
from tests.flows.payments.reconciliation.test_lost_events import later
from tests.sandbox_bridge import post_all, run_jobs, settle_everything

LIST_DISAGREES = next(rule for rule in LIVENESS if rule.code == "list_disagrees")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unsettled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """A package that is paid, with a typo in its snapshot and no bound in the arithmetic, as there was none before."""
    settings.STAFF_MAIL = "staff@estuary.example"
    package = make_service(ServiceType.PACKAGE, ana, holds=[make_service(ServiceType.SESSION, ana)])
    purchase = buying.service(buyer, package)
    order = buying.order_of(purchase)
    Order.objects.filter(pk=order.pk).update(snapshot=order.snapshot | {"validity_days": 9_000_000})
    monkeypatch.setattr(fulfilment, "validity", lambda days: timedelta(days=days))
    buying.pay_only(stripe, purchase)
    return purchase


def mails_about(code: str, mailoutbox: list[Any]) -> list[str]:
    return [mail.body for mail in mailoutbox if mail.subject.endswith(code)]


def test_staff_hear_once_of_an_event_that_fails_and_others_are_settled(
    stripe: Sandbox, buyer: APIClient, other: APIClient, unsettled: dict[str, Any], mailoutbox: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    post_all(stripe)
    seconds = 0
    for _ in range(6):
        WebhookEvent.objects.filter(status="pending").update(due_at=clock.now() - timedelta(seconds=1))
        processor.drain()
        run_jobs()
        seconds += processor.FIRST_DELAY_S ** (WebhookEvent.objects.filter(status="pending")[0].attempts + 1)
        if not mails_about("event_fails", mailoutbox):
            assert seconds < 5 * 60
    failing = WebhookEvent.objects.filter(status="pending")
    assert len(mails_about("event_fails", mailoutbox)) == failing.count() == 1
    [text] = mails_about("event_fails", mailoutbox)
    assert f"/admin/payments/webhookevent/{failing.get().pk}/change/" in text
    assert "OverflowError" in text
    bought = buying.buy_credits(stripe, other)
    assert (buying.status_of(bought), buying.status_of(unsettled)) == ("completed", "pending")
    monkeypatch.undo()
    processor.replay(list(failing))
    while processor.drain():
        run_jobs()
    assert buying.status_of(unsettled) == "completed"


def test_a_payment_that_fails_for_days_is_an_alert_and_no_dead_worker(
    stripe: Sandbox,
    other: APIClient,
    unsettled: dict[str, Any],
    mailoutbox: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its event is lost, and each look at Stripe's list of payments fails with it."""
    stripe.control.lose_events()
    for minutes in (5, 10, 15, 120, 24 * 60, 48 * 60):
        with later(timedelta(minutes=minutes)):
            tasks.ask_stripe(0)
            run_jobs()
            call_command("worker", "--check")
            if minutes == 10:
                assert len(mails_about("reconcile_fails", mailoutbox)) == 1
    assert len(mails_about("reconcile_fails", mailoutbox)) == 1
    assert buying.status_of(unsettled) == "pending"
    with later(timedelta(hours=49)):
        assert [one.code for one in run_checks([LIST_DISAGREES], at=clock.now()).violations] == [
            "list_disagrees"
        ]
        monkeypatch.undo()
        tasks.ask_stripe(0)
        assert buying.status_of(unsettled) == "completed"
        assert SyncCursor.objects.get(name="payments").failing == {}
        settle_everything(stripe)


def test_a_list_that_can_not_be_read_stops_no_other_list_and_no_worker(
    stripe: Sandbox,
    buyer: APIClient,
    settings: Settings,
    mailoutbox: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    stripe.control.lose_events()
    monkeypatch.setattr(client, "customers_since", dict[str, object]().__getitem__)
    for minutes in (6, 20):
        with later(timedelta(minutes=minutes)):
            stripe_lists.sync_all_lists()
            run_jobs()
            if minutes == 20:
                call_command("worker", "--check")
    assert buying.status_of(order) == "completed"
    [text] = mails_about("reconcile_fails", mailoutbox)
    assert "the list itself" in text


@pytest.mark.parametrize(
    "fault", ["error_before", "rate_limit", "lock_timeout", "refuse", "forbidden", "timeout_before"]
)
def test_a_list_that_stripe_does_not_serve_stops_no_other_list(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any], fault: str
) -> None:
    """Meanwhile a payment, a refund and a dispute are found, each without an event."""
    settings.STAFF_MAIL = "staff@estuary.example"
    refunded, disputed = (buying.buy_credits(stripe, buyer, usd) for usd in ("50.00", "20.00"))
    stripe_lists.sync_all_lists()
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    stripe.control.refund(refunded["payment_intent_id"])
    stripe.control.dispute(disputed["payment_intent_id"])
    stripe.control.lose_events()
    stripe.faults.add(fault, "GET /v1/events", times=None)
    for minutes in (6, 20):
        with later(timedelta(minutes=minutes)):
            tasks.ask_stripe(0)
            run_jobs()
            call_command("worker", "--check")
    assert (buying.status_of(order), buying.status_of(refunded)) == ("completed", "refunded")
    assert Dispute.objects.count() == 1
    [text] = mails_about("reconcile_fails", mailoutbox)
    assert "Of Stripe's events" in text and "the list itself" in text
    assert "Nobody can pay" not in "".join(mail.body for mail in mailoutbox)
    stripe.faults.clear()
    settle_everything(stripe)


def test_an_object_that_stripe_never_serves_stops_no_other(
    stripe: Sandbox, buyer: APIClient, other: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    """Of two payments, the first is never answered for; the second, a refund and a dispute are found all the same."""
    settings.STAFF_MAIL = "staff@estuary.example"
    refunded, disputed = (buying.buy_credits(stripe, buyer, usd) for usd in ("50.00", "20.00"))
    stripe_lists.sync_all_lists()
    silent, answered = (buying.credits(who, "30.00") for who in (buyer, other))
    for order in (silent, answered):
        buying.pay_only(stripe, order)
    stripe.control.refund(refunded["payment_intent_id"])
    stripe.control.dispute(disputed["payment_intent_id"])
    stripe.control.lose_events()
    stripe.faults.add("timeout_before", f"GET /v1/payment_intents/{silent['payment_intent_id']}", times=None)
    for minutes in (6, 20):
        with later(timedelta(minutes=minutes)):
            tasks.ask_stripe(0)
            run_jobs()
            call_command("worker", "--check")
    statuses = [buying.status_of(order) for order in (silent, answered, refunded)]
    assert statuses == ["pending", "completed", "refunded"]
    assert Dispute.objects.count() == 1
    [text] = mails_about("reconcile_fails", mailoutbox)
    assert silent["payment_intent_id"] in text and "the list itself" not in text
    stripe.faults.clear()
    with later(timedelta(minutes=40)):
        tasks.ask_stripe(0)
        settle_everything(stripe)
    assert buying.status_of(silent) == "completed"


def test_staff_hear_once_an_hour_of_lists_while_stripe_answers_nothing(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    """Each list is asked for once a run, and the worker that asks is well."""
    settings.STAFF_MAIL = "staff@estuary.example"
    buying.buy_credits(stripe, buyer, "50.00")
    tasks.ask_stripe(0)
    stripe.faults.add("timeout_before", "*", times=None)
    for minutes in (5, 10, 15, 50, 80):
        with later(timedelta(minutes=minutes)):
            before = len(stripe.requests)
            with suppress(StripeUnreachable):
                tasks.ask_stripe(0)
            assert len(stripe.requests) - before < 10
            call_command("worker", "--check")
            run_jobs()
    assert len(mails_about("reconcile_fails", mailoutbox)) == 2, "after 10 and after 80 minutes"
    stripe.faults.clear()


def test_a_list_that_can_not_be_read_for_days_is_read_from_where_it_was(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    """One refund fails before, another is created meanwhile; neither is given up."""
    settings.STAFF_MAIL = "staff@estuary.example"
    first, second = (buying.buy_credits(stripe, buyer, usd) for usd in ("50.00", "20.00"))
    stripe_lists.sync_all_lists()
    stripe.control.refund(first["payment_intent_id"])
    stripe.control.lose_events()
    stripe.faults.add("lock_timeout", f"GET /v1/payment_intents/{first['payment_intent_id']}", times=None)
    stripe_lists.sync_all_lists()
    stripe.faults.add("error_before", "GET /v1/refunds", times=None)
    with later(timedelta(hours=2)):
        stripe.control.refund(second["payment_intent_id"])
        stripe.control.lose_events()
    for hours in (1, 2, 73, 74, 75):
        with later(timedelta(hours=hours)):
            stripe_lists.sync_all_lists()
            run_jobs()
    assert [text.count("the list itself") for text in mails_about("reconcile_fails", mailoutbox)] == [1]
    with later(timedelta(hours=76)):
        stripe.faults.remove("error_before")
        assert stripe_lists.sync_all_lists() == 1
        assert (buying.status_of(first), buying.status_of(second)) == ("completed", "refunded")
        stripe.faults.clear()
        assert stripe_lists.sync_all_lists() == 1
        assert buying.status_of(first) == "refunded"
        run_jobs()
        settle_everything(stripe)
    assert mails_about("reconcile_gave_up", mailoutbox) == []


def test_a_worker_that_does_not_look_is_still_silent(stripe: Sandbox, buyer: APIClient) -> None:
    stripe_lists.sync_all_lists()
    call_command("worker", "--check")
    with later(timedelta(minutes=30)), pytest.raises(CommandError, match="looks through Stripe's lists"):
        call_command("worker", "--check")


def test_a_rule_of_the_doctor_that_trips_over_a_row_is_told_and_the_others_are_asked(
    transactional_db: None,
) -> None:
    odd = Rule("odd", "Odd.", "SELECT 'row', (1 / (random() * 0)::int)::text", "")
    fine = Rule("fine", "Fine.", "SELECT 'row', 'always'", "")
    violations = run_checks([odd, fine], at=clock.now()).violations
    assert [breach.code for breach in violations] == ["odd", "fine"]
    assert "division by zero" in violations[0].objects[0][1]
    assert (run_check(odd, at=clock.now()) is not None, connection.in_atomic_block) == (True, False)


def test_a_part_of_a_periodic_job_that_fails_stops_no_other_part() -> None:
    done: list[str] = []

    def fail() -> None:
        raise KeyError("gone")

    with capture_logs() as logs, pytest.raises(ExceptionGroup):
        run_all(fail, lambda: done.append("second"), fail, lambda: done.append("last"))
    assert done == ["second", "last"]
    assert [log["event"] for log in logs] == ["one_of_many_failed"] * 2
