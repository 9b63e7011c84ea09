"""What the cases are sent into, and what is told of them at the end."""

import os
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from estuary.common.api.rates import Rate
from stripe_sandbox import Sandbox
from tests.fuzz import report
from tests.fuzz.world import Marketplace


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was sent, when that was what somebody asked for."""
    if report.RUNS and "ESTUARY_FUZZ_CASES" in os.environ:
        terminalreporter.section("what was sent, and how it was answered")
        for line in report.lines():
            terminalreporter.write_line(line)


OFTEN = Rate(1_000_000, timedelta(hours=1))


@pytest.fixture
def patient(settings: Settings) -> None:
    """Nobody is told to wait: limits have tests of their own, and would end every case but the first few."""
    settings.PAYMENT_LIMIT = settings.SYNC_LIMIT = OFTEN
    settings.PAYMENT_LIMIT_AFTER_DECLINES = OFTEN.times
    settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 24 * 60 * 60
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def market(transactional_db: None, stripe: Sandbox, patient: None) -> Marketplace:
    return Marketplace.opened(stripe)
