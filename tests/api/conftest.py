"""What every API test starts from: people, a practitioner, and what one of them has bought."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from tests.factories import buy, make_practitioner, make_service, make_user, signed_in


@pytest.fixture
def maya(db: None) -> User:
    return make_user("Maya Lindqvist")


@pytest.fixture
def as_maya(maya: User) -> APIClient:
    return signed_in(maya)


@pytest.fixture
def as_tom(db: None) -> APIClient:
    return signed_in(make_user("Tom Achterberg"))


@pytest.fixture
def ana(db: None) -> Practitioner:
    return make_practitioner("Ana Ribeiro")


@pytest.fixture
def public() -> APIClient:
    return APIClient()


@pytest.fixture
def yoga(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana, name="Yoga")


@pytest.fixture
def bath(ana: Practitioner) -> Service:
    return make_service(ServiceType.WORKSHOP, ana, name="Sound bath")


@pytest.fixture
def package(maya: User, ana: Practitioner, yoga: Service, bath: Service) -> Booking:
    """Maya's package of a 1-on-1 session and a workshop, neither of which has its time yet."""
    return buy(maya, make_service(ServiceType.PACKAGE, ana, holds=[yoga, bath], validity_days=60))
