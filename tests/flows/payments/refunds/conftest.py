"""What is refunded in these tests."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import make_service
from tests.flows import buying
from tests.flows.buying import Json


@pytest.fixture
def session(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, usd=10000)


@pytest.fixture
def purchase(stripe: Sandbox, buyer: APIClient, session: Service) -> Json:
    """A session of 100.00, to be paid with 20.00 in credits and 80.00 by card."""
    buying.buy_credits(stripe, buyer, "20.00")
    return buying.with_credits(buyer, session)
