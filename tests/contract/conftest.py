"""The scenario that both contracts are checked on, told once."""

import pytest

from tests.contract.scenario import Scenario
from tests.contract.shop import play_scenarios


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return play_scenarios()
