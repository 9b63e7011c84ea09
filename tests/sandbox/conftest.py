"""A sandbox on a clock that stands still, and the official SDK bound to it."""

import pytest
import stripe

from stripe_sandbox import Ids, ManualClock, Sandbox
from stripe_sandbox.inprocess import client

SECRET = "whsec_of_the_tests"
ENDIVE = "2026-10-28.endive"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(webhook_secret=SECRET, webhook_api_version=ENDIVE, clock=ManualClock(), ids=Ids(seed=7))


@pytest.fixture
def api(sandbox: Sandbox) -> stripe.StripeClient:
    return client(sandbox, max_network_retries=0)


@pytest.fixture
def customer(api: stripe.StripeClient) -> str:
    return api.v1.customers.create({"email": "anna@example.com"}).id
