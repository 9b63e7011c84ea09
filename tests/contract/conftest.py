"""The story that both contracts are checked on, told once."""

import pytest

from tests.contract.scenario import Story
from tests.contract.shop import tell


@pytest.fixture(scope="session")
def story() -> Story:
    return tell()
