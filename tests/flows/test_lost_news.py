"""News of refunds that never came, and a Stripe that can't be asked: what is true there is true here in the end."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.payments import inbox, sweep, tasks
from estuary.payments.models import Refund, WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, order_of, pay, status_of
from tests.wiring import post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def later(wait: timedelta) -> Any:
    return time_machine.travel(clock.now() + wait, tick=True)


def test_a_refund_whose_success_nobody_told_is_asked_for(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    made = buying.credits(buyer, "50.00")
    pay(stripe, made, REFUND_PENDS)
    buying.refund(staff, made)
    settle_everything(stripe)
    refund = Refund.objects.get()
    assert (refund.status, status_of(made)) == ("pending", "completed")
    stripe.control.succeed_refund(refund.stripe_refund_id)
    stripe.control.lose_events()
    assert sweep.ask_about_pending_refunds() == 0
    with later(timedelta(minutes=11)):
        assert sweep.ask_about_pending_refunds() == 1
        assert sweep.ask_about_pending_refunds() == 0
    assert (Refund.objects.get().status, status_of(made)) == ("succeeded", "refunded")


@pytest.mark.parametrize("amount", [None, 2000])
def test_a_refund_in_the_dashboard_of_which_no_event_came_is_found(
    stripe: Sandbox, buyer: APIClient, amount: int | None
) -> None:
    made = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(made["payment_intent_id"], amount)
    stripe.control.lose_events()
    assert sweep.look_for_new_refunds() == 1
    run_jobs()
    assert status_of(made) == ("partially_refunded" if amount else "refunded")
    assert buying.balance(_signed_in_again(made)) == ("30.00" if amount else "0.00")
    before = len(stripe.requests)
    assert sweep.look_for_new_refunds() == 0
    assert len(stripe.requests) == before + 1


def _signed_in_again(made: buying.Json) -> APIClient:
    from tests.marketplace import signed_in

    return signed_in(order_of(made).user)


def test_a_refund_that_failed_later_unheard_is_found_too(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    made = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, made)
    settle_everything(stripe)
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    stripe.control.lose_events()
    assert sweep.look_for_new_refunds() == 1
    run_jobs()
    assert (Refund.objects.get().status, status_of(made)) == ("failed", "completed")


def test_refunds_of_payments_that_are_not_ours_are_left_alone(stripe: Sandbox, buyer: APIClient) -> None:
    made = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(made["payment_intent_id"])
    order_of(made)
    type(order_of(made)).objects.update(stripe_payment_intent_id="pi_ours")
    before = len(stripe.requests)
    assert sweep.look_for_new_refunds() == 0
    assert len(stripe.requests) == before + 1
    type(order_of(made)).objects.update(stripe_payment_intent_id=made["payment_intent_id"])
    settle_everything(stripe)


def test_events_wait_for_a_stripe_that_is_down_as_long_as_it_takes(stripe: Sandbox, buyer: APIClient) -> None:
    made = buying.buy_credits(stripe, buyer, "50.00")
    stripe.control.refund(made["payment_intent_id"], 2000)
    deliveries = [one for one in stripe.take_deliveries() if one.type == "charge.refunded"]
    for delivery in deliveries:
        post_event(delivery)
    stripe.faults.add("timeout_before", "*", times=None)
    for _ in range(inbox.MAX_ATTEMPTS + 3):
        WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
        assert inbox.drain() == 1
    waiting = WebhookEvent.objects.get(type="charge.refunded")
    assert (waiting.status, waiting.attempts) == ("pending", 0)
    assert "StripeUnavailable" in waiting.error
    stripe.faults.clear()
    WebhookEvent.objects.filter(status="pending").update(due_at=clock.now())
    inbox.drain()
    settle_everything(stripe)
    assert status_of(made) == "partially_refunded"


def test_a_worker_whose_lease_is_over_leaves_the_event_to_the_next(stripe: Sandbox, buyer: APIClient) -> None:
    made = buying.credits(buyer, "50.00")
    stripe.control.confirm(made["payment_intent_id"], card=buying.FINE)
    for delivery in stripe.take_deliveries():
        post_event(delivery)
    slow = inbox.claim(10)
    with later(inbox.LEASE * 2):
        fast = inbox.claim(10)
        assert {row.pk for row in fast} == {row.pk for row in slow}
        WebhookEvent.objects.filter(pk__in=[row.pk for row in fast]).update(status="done")
        for row in slow:
            inbox._put_off(row, ValueError("too late"))
            assert not inbox._renew_lease(row)
        assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"done"}
    inbox.replay(list(WebhookEvent.objects.all()))
    inbox.drain()
    settle_everything(stripe)
    assert status_of(made) == "completed"


def test_the_clock_runs_every_verb_that_heals(stripe: Sandbox, buyer: APIClient) -> None:
    made = buying.credits(buyer, "50.00")
    stripe.control.confirm(made["payment_intent_id"], card=buying.FINE)
    stripe.control.lose_events()
    with later(timedelta(minutes=11)):
        tasks.ask_stripe(0)
        tasks.ask_stripe_far_back(0)
        tasks.sweep_minute(0)
        tasks.expire_orders(0)
        tasks.close_past_bookings(0)
    assert status_of(made) == "completed"
