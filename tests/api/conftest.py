"""What every API test starts from: people and a practitioner."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from tests.factories import make_practitioner, make_user, signed_in


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
