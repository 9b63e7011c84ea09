"""How ``make test`` spreads the tests over several processes: what takes longest begins first, the rest fills up.

A module stays on one worker, so that what it has set up is set up once, and so do all tests in the browser, which share
a house. Whoever is done takes the next module. The simulation and the chaos start processes of their own, as many as
there are cores: while a worker waits for them, the other shares the cores with them and none is idle.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browser/",)
# What takes longest, the longest first. Behind these come the modules with many tests before those with few.
FIRST = (
    "tests/simulation/test_seeds.py",
    "tests/simulation/",
    "tests/browser/",
    "tests/chaos/",
    "tests/fuzz/",
    "tests/contract/test_cli.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    from xdist.scheduler import LoadScopeScheduling

    class Spreading(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False  # ours is the order in which the tests are collected
    return Spreading(config, log)


def scope_of(nodeid: str) -> str:
    """Return the name of what stays together with this test."""
    module = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if module.startswith(folder)), module)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # on a worker of pytest-xdist
        tests = Counter(scope_of(item.nodeid) for item in items)
        items.sort(key=lambda item: (_place(item.nodeid), -tests[scope_of(item.nodeid)]))


def _place(nodeid: str) -> int:
    return next((place for place, begin in enumerate(FIRST) if nodeid.startswith(begin)), len(FIRST))
