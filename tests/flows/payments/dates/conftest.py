"""What is called off and moved in these tests."""

import pytest

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceSession, ServiceType
from tests.factories import make_service, make_sessions


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    """A workshop in ten days, for twenty guests."""
    service = make_service(ServiceType.WORKSHOP, ana, name="Breathwork")
    [session] = make_sessions(service, capacity=20, in_days=10)
    return session


@pytest.fixture
def lesson(ana: Practitioner) -> Service:
    """A 1-on-1 session."""
    return make_service(ServiceType.SESSION, ana, usd=5_000)
