"""What is booked and moved in these tests."""

import pytest

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from tests.factories import make_service


@pytest.fixture
def yoga(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, name="Yoga", slot_step_min=30, usd=8000)


@pytest.fixture
def bath(ana: Practitioner) -> Service:
    return make_service(ServiceType.WORKSHOP, ana, name="Sound bath", usd=4500)
