"""Disputes without an event are found in Stripe's list; one that can't be settled keeps its place there."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.payments import tasks
from estuary.payments.doctor import LIVENESS
from estuary.payments.doctor.runner import run_checks
from estuary.payments.models import SyncCursor
from estuary.payments.reconciliation import disputes
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.disputing import money_of, purse
from tests.flows.payments.inbox.test_one_failing_row import mails_about
from tests.flows.payments.reconciliation.test_lost_events import later
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LIST_DISAGREES = next(rule for rule in LIVENESS if rule.code == "list_disagrees")


@pytest.mark.parametrize("fault", ["lock_timeout", "rate_limit", "error_before"])
def test_a_dispute_that_can_not_be_settled_at_first_is_settled_after_the_fault(
    stripe: Sandbox, buyer: APIClient, settings: Settings, mailoutbox: list[Any], fault: str
) -> None:
    """The worker was down for two days, and Stripe fails for some hours after that."""
    settings.STAFF_MAIL = "staff@estuary.example"
    order = buying.buy_credits(stripe, buyer, "50.00")
    assert disputes.sync_new_disputes() == 0
    with later(timedelta(days=1)):
        stripe.control.dispute(order["payment_intent_id"])
        stripe.control.lose_events()
    stripe.faults.add(fault, "GET /v1/disputes/*", times=None)
    for wait in (timedelta(), timedelta(minutes=5), timedelta(hours=2), timedelta(hours=3)):
        with later(timedelta(days=3) + wait):
            tasks.ask_stripe(0)
            run_jobs()
    assert purse(buyer) == ("50.00", "0.00", "50.00")
    [alert] = mails_about("reconcile_fails", mailoutbox)
    assert "Stripe's disputes" in alert
    with later(timedelta(days=3, hours=3, minutes=5)):
        assert [found.code for found in run_checks([LIST_DISAGREES], at=clock.now()).violations] == [
            "list_disagrees"
        ]
        stripe.faults.clear()
        assert disputes.sync_new_disputes() == 1
        run_jobs()
        assert len(mails_about("dispute_opened", mailoutbox)) == 1
        assert SyncCursor.objects.get(name="disputes").failing == {}
        settle_everything(stripe)
    assert (purse(buyer), money_of(order)) == (("50.00", "50.00", "0.00"), ("completed", 5000, 0, 0))


def test_a_clock_that_ran_ahead_hides_no_dispute(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    with later(timedelta(days=3)):
        assert disputes.sync_new_disputes() == 0
    stripe.control.dispute(order["payment_intent_id"])
    stripe.control.lose_events()
    assert disputes.sync_new_disputes() == 1
    assert purse(buyer) == ("50.00", "50.00", "0.00")
    settle_everything(stripe)
