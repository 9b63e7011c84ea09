"""What every attack starts from: the flows' own people and Stripe, with production's limits."""

import pytest
from pytest_django import Settings

from estuary.common.api.rates import Rate
from estuary.config.environment import Environment
from tests.flows.conftest import ana, buyer, held_to_the_invariants, maya, other, staff

__all__ = ["ana", "buyer", "held_to_the_invariants", "maya", "other", "staff"]


@pytest.fixture
def production_limits(settings: Settings) -> None:
    """The limits of whoever sets none; tests have wide ones."""
    fields = Environment.model_fields
    settings.DECLINES_ALLOWED = fields["estuary_declines_allowed"].default
    settings.PAYMENT_LIMIT_AFTER_DECLINES = fields["estuary_payment_limit_after_declines"].default
    settings.USERS_PER_ADDRESS = fields["estuary_users_per_address"].default
    settings.PAYMENT_LIMIT = Rate.parse(fields["estuary_payment_limit"].default)
    settings.SYNC_LIMIT = Rate.parse(fields["estuary_sync_limit"].default)
