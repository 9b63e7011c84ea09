"""News of refunds that never came, and a Stripe that can't be asked: what is true there is true here in the end."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import tasks
from estuary.payments.checkout.cancel_order import close_order
from estuary.payments.inbox import leases, processor
from estuary.payments.models import Refund, WebhookEvent
from estuary.payments.reconciliation import overdue, stripe_lists
from estuary.payments.settlement import sync
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, order_of, pay, status_of
from tests.sandbox_bridge import post_all, post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def a_bundle(ana: Practitioner) -> Service:
    session = make_service(ServiceType.SESSION, ana)
    return make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=4, validity_days=30)


def later(wait: timedelta) -> Any:
    return time_machine.travel(clock.now() + wait, tick=True)


def test_a_refund_whose_success_nobody_told_is_asked_for(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.credits(buyer, "50.00")
    pay(stripe, order, REFUND_PENDS)
    buying.refund(staff, order)
    settle_everything(stripe)
    refund = Refund.objects.get()
    assert (refund.status, status_of(order)) == ("pending", "completed")
    stripe.control.succeed_refund(refund.stripe_refund_id)
    stripe.control.lose_events()
    assert overdue.sync_pending_refunds() == 0
    with later(timedelta(minutes=11)):
        assert overdue.sync_pending_refunds() == 1
        assert overdue.sync_pending_refunds() == 0
    assert (Refund.objects.get().status, status_of(order)) == ("succeeded", "refunded")


@pytest.mark.parametrize("amount", [None, 2000])
def test_a_refund_in_the_dashboard_of_which_no_event_came_is_found(
    stripe: Sandbox, buyer: APIClient, amount: int | None
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(order["payment_intent_id"], amount)
    stripe.control.lose_events()
    assert stripe_lists.sync_new_refunds() == 1
    run_jobs()
    assert status_of(order) == ("partially_refunded" if amount else "refunded")
    assert buying.balance(buyer) == ("30.00" if amount else "0.00")
    before = len(stripe.requests)
    assert stripe_lists.sync_new_refunds() == 0
    assert len(stripe.requests) == before + 1


def test_a_refund_that_failed_later_unheard_is_found_too(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, order)
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    stripe.control.lose_events()
    assert stripe_lists.sync_new_refunds() == 1
    run_jobs()
    assert (Refund.objects.get().status, status_of(order)) == ("failed", "completed")


def test_what_could_not_be_made_to_agree_is_looked_at_again_for_three_days(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    """Its payment is busy at Stripe, hour after hour; other refunds, found meanwhile, do not make it forgotten."""
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.buy_credits(stripe, buyer, "50.00")
    assert stripe_lists.sync_new_refunds() == 0
    stripe.control.refund(order["payment_intent_id"])
    stripe.control.lose_events()
    busy = f"GET /v1/payment_intents/{order['payment_intent_id']}"
    stripe.faults.add("lock_timeout", busy, times=None)
    for hours in (1, 30, 71):
        with later(timedelta(hours=hours)):
            assert stripe_lists.sync_new_refunds() == 0
            run_jobs()
    assert (status_of(order), mailoutbox_of("reconcile_gave_up", mailoutbox)) == ("completed", 0)
    with later(timedelta(hours=71)):
        stripe.faults.clear()
        assert stripe_lists.sync_new_refunds() == 1
        assert status_of(order) == "refunded"


def test_staff_are_told_of_what_could_not_be_made_to_agree_for_three_days(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.buy_credits(stripe, buyer, "50.00")
    assert stripe_lists.sync_new_refunds() == 0
    stripe.control.refund(order["payment_intent_id"])
    stripe.control.lose_events()
    stripe.faults.add("lock_timeout", "GET /v1/payment_intents/*", times=None)
    assert stripe_lists.sync_new_refunds() == 0
    with later(timedelta(hours=73)):
        for _ in range(3):
            stripe_lists.sync_new_refunds()
            run_jobs()
    assert mailoutbox_of("reconcile_gave_up", mailoutbox) == 1
    stripe.faults.clear()
    sync.sync_payment(order["payment_intent_id"])


def mailoutbox_of(code: str, mailoutbox: list[Any]) -> int:
    return sum(code in mail.subject for mail in mailoutbox)


def test_refunds_of_payments_that_are_not_ours_are_left_alone(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(order["payment_intent_id"])
    Order.objects.update(stripe_payment_intent_id="pi_ours")
    before = len(stripe.requests)
    assert stripe_lists.sync_new_refunds() == 0
    assert len(stripe.requests) == before + 1
    Order.objects.update(stripe_payment_intent_id=order["payment_intent_id"])
    settle_everything(stripe)


def test_events_wait_for_a_stripe_that_is_down_as_long_as_it_takes(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(order["payment_intent_id"], 2000)
    deliveries = [one for one in stripe.take_deliveries() if one.type == "charge.refunded"]
    for delivery in deliveries:
        post_event(delivery)
    stripe.faults.add("timeout_before", "*", times=None)
    for _ in range(processor.MAX_ATTEMPTS + 3):
        WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
        assert processor.drain() == 1
    waiting = WebhookEvent.objects.get(type="charge.refunded")
    assert (waiting.status, waiting.attempts) == ("pending", 0)
    assert "StripeUnreachable" in waiting.error
    stripe.faults.clear()
    WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
    processor.drain()
    settle_everything(stripe)
    assert status_of(order) == "partially_refunded"


@pytest.mark.parametrize("fault", ["error_before", "lock_timeout"])
def test_events_wait_for_a_stripe_that_fails_as_long_as_it_takes(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any], fault: str
) -> None:
    """For two hours Stripe fails at the payments of three events, of which staff read once an hour."""
    settings.STAFF_MAIL = "staff@estuary.example"
    orders = [buying.buy_credits(stripe, buyer, amount) for amount in ("50.00", "60.00", "70.00")]
    for order in orders:
        stripe.control.refund(order["payment_intent_id"], 2000)
    for delivery in stripe.take_deliveries():
        if delivery.type == "charge.refunded":
            post_event(delivery)
    stripe.faults.add(fault, "*", times=None)
    start = clock.now()
    for minutes in (0, 1, 2, 4, 9, 20, 30, 40, 50, 65, 70, 75, 80, 85, 90):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=True):
            WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
            processor.drain()
            run_jobs()
    with time_machine.travel(start + timedelta(minutes=91), tick=True):
        waiting = WebhookEvent.objects.filter(type="charge.refunded")
        assert set(waiting.values_list("status", flat=True)) == {"pending"}
        assert max(row.due_at for row in waiting) < clock.now() + timedelta(minutes=15)
        assert mailoutbox_of("event_dead", mailoutbox) == 0
        assert mailoutbox_of("event_fails", mailoutbox) == (2 if fault == "error_before" else 1)
    stripe.faults.clear()
    WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
    processor.drain()
    settle_everything(stripe)
    assert {status_of(order) for order in orders} == {"partially_refunded"}


def test_a_worker_whose_lease_is_over_leaves_the_event_to_the_next(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00")
    stripe.control.confirm(order["payment_intent_id"], card=buying.FINE)
    post_all(stripe)
    slow = leases.claim_events(10)
    with later(leases.LEASE * 2):
        fast = leases.claim_events(10)
        assert {row.pk for row in fast} == {row.pk for row in slow}
        WebhookEvent.objects.filter(pk__in=[row.pk for row in fast]).update(status="done")
        for row in slow:
            processor._schedule_retry(row, ValueError("too late"))
            assert not leases.start_attempt(row)
        assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"done"}
    processor.replay(list(WebhookEvent.objects.all()))
    processor.drain()
    settle_everything(stripe)
    assert status_of(order) == "completed"


def test_the_clock_runs_every_verb_that_heals(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "50.00")
    stripe.control.confirm(order["payment_intent_id"], card=buying.FINE)
    stripe.control.lose_events()
    with later(timedelta(minutes=11)):
        tasks.ask_stripe(0)
        tasks.ask_stripe_far_back(0)
        tasks.sweep_minute(0)
        tasks.expire_orders(0)
        tasks.close_past_bookings(0)
    assert status_of(order) == "completed"


def test_refunds_made_while_nobody_looked_are_found_however_long_it_was(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    assert stripe_lists.sync_new_refunds() == 0
    with later(timedelta(minutes=10)):
        stripe.control.refund(order["payment_intent_id"], 2000)
        stripe.control.lose_events()
    with later(timedelta(days=3)):
        assert stripe_lists.sync_new_refunds() == 1
        run_jobs()
        assert status_of(order) == "partially_refunded"
        assert stripe_lists.sync_new_refunds() == 0


def test_a_refund_that_its_bank_returned_weeks_later_unheard_is_found(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, order)
    settle_everything(stripe)
    with later(timedelta(days=20)):
        stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
        stripe.control.lose_events()
        assert stripe_lists.sync_changed_refunds() == 1
        run_jobs()
    assert status_of(order) == "completed"


def test_the_lost_event_that_a_bank_returned_an_older_refund_is_looked_up(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, order)
    settle_everything(stripe)
    with later(timedelta(hours=2)):
        stripe_lists.sync_all_lists()
    with later(timedelta(days=2)):
        stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
        stripe.control.lose_events()
        stripe_lists.sync_all_lists()
        processor.drain()
        run_jobs()
        assert (Refund.objects.get().status, status_of(order)) == ("failed", "completed")
        assert stripe_lists.sync_all_lists() == 0


def test_what_has_waited_longest_is_asked_about_first_however_many_are_new(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = buying.credits(buyer, "50.00")
    paid = buying.pay_only(stripe, old, method="us_bank_account")
    settle_everything(stripe)
    stripe.control.settle(paid["id"])
    stripe.control.lose_events()
    for _ in range(3):
        buying.service(signed_in(make_user("Tom Achterberg")), a_bundle(ana))
    order_ids: list[str] = []
    monkeypatch.setattr(overdue, "BATCH", 2)
    monkeypatch.setattr(overdue, "_sync_or_alert", lambda order: order_ids.append(order.public_id))
    with later(timedelta(minutes=11)):
        assert overdue.sync_open_orders() == 4
        assert overdue.sync_open_orders() == 0
    assert (order_ids[0], len(set(order_ids))) == (old["order_id"], 4)


def test_a_stripe_that_does_not_answer_is_not_asked_for_each_row(
    stripe: Sandbox, buyer: APIClient, other: APIClient
) -> None:
    orders = [buying.credits(client, "50.00") for client in (buyer, other)]
    stripe.faults.add("timeout_before", "*", times=None)
    before = len(stripe.requests)
    with later(timedelta(minutes=16)):
        assert overdue.expire_orders() == 0
        assert len(stripe.requests) == before + 1
        stripe.faults.clear()
    with later(timedelta(minutes=30)):
        assert overdue.expire_orders() == 2
    assert {status_of(order) for order in orders} == {"canceled"}


def test_a_payment_at_its_bank_that_stripe_does_not_know_is_told_to_staff_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "payments@estuary.example"
    order = buying.credits(buyer, "50.00")
    buying.pay(stripe, order, method="us_bank_account")
    Order.objects.update(stripe_payment_intent_id="pi_of_another_account")
    for minutes in (11, 30, 60):
        with later(timedelta(minutes=minutes)):
            overdue.sync_open_orders()
            run_jobs()
    assert [mail.subject for mail in mailoutbox if "payment_missing" in mail.subject] == [
        "[Estuary alert] payment_missing"
    ]
    assert status_of(order) == "processing"
    close_order(order_of(order), reason="requested_by_customer", cause="canceled by staff")
    assert status_of(order) == "canceled"
    Order.objects.update(stripe_payment_intent_id=order["payment_intent_id"])
    stripe.control.fail_settlement(order["payment_intent_id"])
    stripe.control.cancel(order["payment_intent_id"])
    settle_everything(stripe)
