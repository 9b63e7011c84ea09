"""What the cases are sent into, and what is told of them at the end."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from estuary.common.rates import Rate
from stripe_sandbox import Sandbox
from tests.fuzz.world import Marketplace
from tests.wiring import forget_jobs

OFTEN = Rate(1_000_000, timedelta(hours=1))


@pytest.fixture
def patient(settings: Settings) -> None:
    """Nobody is told to wait: limits have tests of their own, and would end every case but the first few."""
    settings.PAYMENT_LIMIT = settings.SYNC_LIMIT = settings.PAYMENT_LIMIT_AFTER_DECLINES = OFTEN
    settings.PAYMENT_LIMIT_AFTER_DECLINES = OFTEN.times
    settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 24 * 60 * 60
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def market(transactional_db: None, stripe: Sandbox, patient: None) -> Iterator[Marketplace]:
    forget_jobs()
    yield Marketplace.opened(stripe)
    forget_jobs()
