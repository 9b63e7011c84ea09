"""How ``make test`` spreads the tests over several processes: what takes longest begins first, the rest fills up.

A module stays on one worker, so that what it has set up is set up once. So do all tests in the browser, which share a
running shop. A worker that is done takes the next module. The simulation and the chaos start as many processes as there
are cores: while a worker waits for them, the other shares the cores with them and none is idle.

``make test`` leaves out what is marked ``exhaustive``. A test with many cases may be marked ``exhaustive(one_in=4)``:
a quarter of its cases then loses the mark and runs each time. Of a flow and of a test in the browser, one case runs
each time, of a test of the API two: the others are marked. Which ones run depends on their names alone.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

MOST_WORKERS = 4
TOGETHER = ("tests/browser/",)
# What takes longest, the longest first. Behind these come the modules with many tests before those with few. A module
# with few tests that each start a process is named here, or one core would wait for it at the end.
FIRST = (
    "tests/simulation/test_seeds.py",
    "tests/simulation/",
    "tests/browser/",
    "tests/chaos/",
    "tests/fuzz/",
    "tests/contract/test_cli.py",
    "tests/sandbox/stripe_js/",
    "tests/attacks/",
    "tests/flows/common/process/",
    "tests/flows/common/db/test_replica.py",
    "tests/flows/common/db/test_roles.py",
    "tests/flows/payments/webhooks/",
    "tests/flows/payments/inbox/",
    "tests/demo/",
)
# So many cases of one test run each time, but all of these: each case holds another statement of the product.
MOST_CASES = {"tests/flows/": 1, "tests/api/": 2, "tests/browser/": 1, "tests/sandbox/stripe_js/": 1}
ALL_CASES = ("tests/flows/common/db/test_query_budget.py", "tests/api/test_admin_pages.py")


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, since a test often waits for a process that it has started."""
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    from xdist.scheduler import LoadScopeScheduling

    class ScopeScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False  # ours is the order in which the tests are collected
    return ScopeScheduling(config, log)


def scope_of(nodeid: str) -> str:
    """Return the name of what stays together with this test."""
    module = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if module.startswith(folder)), module)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Unmark the share of each exhaustive test that always runs, before ``-m`` selects; then order what is left."""
    for item in _surplus(items):
        item.add_marker("exhaustive")
    for item in _shares(items):
        item.own_markers = [mark for mark in item.own_markers if mark.name != "exhaustive"]
    yield
    _put_in_order(config, items)


def _shares(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield one in ``n`` of the cases of each test that is marked ``exhaustive(one_in=n)``."""
    cases: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        for mark in item.own_markers:
            if mark.name == "exhaustive" and "one_in" in mark.kwargs:
                cases[item.nodeid.partition("[")[0], mark.kwargs["one_in"]].append(item)
    for (_, one_in), of_one_test in cases.items():
        yield from _mixed(of_one_test)[: -(-len(of_one_test) // one_in)]


def _surplus(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the cases that are more than ``make test`` plays of one test that says nothing of its own."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("exhaustive") and not item.nodeid.startswith(ALL_CASES):
            cases[item.nodeid.partition("[")[0]].append(item)
    for test, of_one_test in cases.items():
        most = next(
            (most for folder, most in MOST_CASES.items() if test.startswith(folder)), len(of_one_test)
        )
        yield from _mixed(of_one_test)[most:]


def _mixed(cases: list[pytest.Item]) -> list[pytest.Item]:
    return sorted(cases, key=lambda case: crc32(case.nodeid.encode()))


def _put_in_order(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # on a worker of pytest-xdist
        tests = Counter(scope_of(item.nodeid) for item in items)
        items.sort(key=lambda item: (_place(item.nodeid), -tests[scope_of(item.nodeid)]))


def _place(nodeid: str) -> int:
    return next((place for place, begin in enumerate(FIRST) if nodeid.startswith(begin)), len(FIRST))
