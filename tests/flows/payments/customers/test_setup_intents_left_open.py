"""No SetupIntent is marked as ended here while its client secret still tries cards at Stripe."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.payments import client
from estuary.payments.customers import setup_intents
from estuary.payments.reconciliation import overdue
from estuary.payments.stripe_objects import Setup
from stripe_sandbox import Sandbox
from tests.flows.payments.reconciliation.test_half_ended_payments import at_stripe, ended, setup

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_setup_intent_that_is_made_while_others_are_ended_stays_open_here_too(
    stripe: Sandbox, buyer: APIClient, maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marked as ended it would never be canceled: its client secret tries cards without end."""
    first, new_ids = setup(buyer), list[str]()
    listing = client.setup_intents_of

    def list_and_be_slow(customer_id: str) -> list[Setup]:
        intents = listing(customer_id)
        new_ids.append(setup(buyer))
        return intents

    with monkeypatch.context() as patch:
        patch.setattr(client, "setup_intents_of", list_and_be_slow)
        setup_intents.end_setup_intents_of(maya.pk)
    assert (ended(first), ended(new_ids[0])) == (True, False)
    assert at_stripe(stripe, new_ids[0])["status"] == "requires_payment_method"
    with time_machine.travel(clock.now() + settings.HOLD, tick=True):
        overdue.end_setup_intents()
    assert ended(new_ids[0])
    assert at_stripe(stripe, new_ids[0])["status"] == "canceled"


@pytest.mark.parametrize("by_sweep", [False, True])
def test_a_setup_intent_that_is_at_its_bank_is_not_marked_as_ended(
    stripe: Sandbox, buyer: APIClient, maya: User, by_sweep: bool
) -> None:
    """Stripe cancels none that is processing; declined, it would be open again."""
    secret = setup(buyer)
    at_stripe(stripe, secret)["status"] = "processing"
    with time_machine.travel(clock.now() + (settings.HOLD if by_sweep else timedelta()), tick=True):
        if by_sweep:
            overdue.end_setup_intents()
        else:
            setup_intents.end_setup_intents_of(maya.pk)
    assert not ended(secret)
    at_stripe(stripe, secret)["status"] = "requires_payment_method"
    with time_machine.travel(clock.now() + settings.HOLD + timedelta(hours=1), tick=True):
        overdue.end_setup_intents()
    assert ended(secret)
    assert at_stripe(stripe, secret)["status"] == "canceled"


def test_one_that_went_with_its_customer_is_ended(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    secret = setup(buyer)
    stripe.faults.add(
        "refuse", "GET /v1/setup_intents", times=None, code="resource_missing", message="No such"
    )
    stripe.faults.add(
        "refuse", f"POST /v1/setup_intents/{secret}/*", times=None, code="resource_missing", message="No such"
    )
    setup_intents.end_setup_intents_of(maya.pk)
    assert ended(secret)
