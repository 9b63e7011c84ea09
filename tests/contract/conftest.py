"""The story that both contracts are checked on, told once."""

import pytest

from tests.contract.shop import tell
from tests.contract.story import Story


@pytest.fixture(scope="session")
def story() -> Story:
    return tell()
