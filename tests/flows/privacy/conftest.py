"""The person whom the tests of this folder erase."""

import pytest

from estuary.accounts.models import User
from tests.factories import make_user
from tests.flows.privacy.erasing import NAME


@pytest.fixture
def zenobia(transactional_db: None) -> User:
    return make_user(NAME)
