"""A refused key: commands print Stripe's sentence, the variable and the cure, and the log names a permission."""

import logging
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.sandbox_bridge import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS_TEXT = "We have been told"


def output_of(command: str, *options: str) -> str:
    """Return what a command prints, to either stream; it must fail."""
    out = StringIO()
    with pytest.raises((CommandError, SystemExit)) as ended:
        call_command(command, *options, stdout=out)
    return out.getvalue() + (str(ended.value) if isinstance(ended.value, CommandError) else "")


@pytest.mark.parametrize("command", [("doctor", "--stripe"), ("stripe_account",), ("checkup",)])
def test_a_command_says_what_stripe_said_and_what_to_do(
    stripe: Sandbox, settings: Settings, command: tuple[str, ...], buyer: APIClient
) -> None:
    buying.credits(buyer)
    stripe.control.revoke_key(settings.STRIPE_SECRET_KEY)
    output = output_of(*command)
    assert "“Expired API Key provided: sk_test_" in output
    assert "STRIPE_SECRET_KEY" in output and "https://dashboard.stripe.com/apikeys" in output
    assert settings.STRIPE_SECRET_KEY not in output and BUYERS_TEXT not in output


def test_a_stripe_that_is_away_is_told_with_its_address(stripe: Sandbox, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:12111"
    stripe.faults.add("timeout_before", times=None)
    output = output_of("stripe_account")
    assert "does not answer" in output and "http://127.0.0.1:12111" in output and BUYERS_TEXT not in output


def test_the_log_and_the_alert_name_the_permission_that_a_403_wants(
    stripe: Sandbox,
    buyer: APIClient,
    staff: APIClient,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    mailoutbox: list[Any],
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    bought = buying.buy_credits(stripe, buyer)
    stripe.control.restrict_key(
        settings.STRIPE_SECRET_KEY, "customer_write,payment_intent_write,product_write"
    )
    with caplog.at_level(logging.CRITICAL):
        buying.refund(staff, bought)
    assert "stripe_permission_missing" in caplog.text
    assert "'call': 'refunds.create'" in caplog.text and "'permission': 'rak_charge_write'" in caplog.text
    stripe.state.settings.permissions.clear()
    run_jobs()
    [alert] = [mail for mail in mailoutbox if "stripe_refused_our_key" in mail.subject]
    assert "rak_charge_write" in alert.body and BUYERS_TEXT not in alert.body


def test_a_buyer_is_told_nothing_of_it(stripe: Sandbox, buyer: APIClient, settings: Settings) -> None:
    stripe.control.revoke_key(settings.STRIPE_SECRET_KEY)
    answer = buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "100.00"})
    assert answer.status_code == 503
    assert "Expired" not in answer.content.decode() and "STRIPE_SECRET_KEY" not in answer.content.decode()
