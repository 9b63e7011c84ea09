"""What every API test starts from: a buyer who signed in, and a cheap password hash."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from tests.marketplace import make_practitioner, make_user, signed_in


@pytest.fixture(autouse=True)
def quick_sign_in(settings: Settings) -> None:
    """Hash passwords cheaply and sign in as often as there are tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ACCOUNT_RATE_LIMITS = False


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
