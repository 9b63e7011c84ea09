"""The card of the buyer of these tests."""

import pytest
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.flows import buying


@pytest.fixture
def card(stripe: Sandbox, buyer: APIClient) -> str:
    """A saved card, and 10.00 in credits."""
    buying.buy_credits(stripe, buyer, "10.00")
    return str(buying.cards(buyer)[0]["id"])
