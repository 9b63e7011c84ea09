"""Three flows, killed at points at which a process can be killed, and healed each time.

``make test`` kills each at every thirty-sixth of its points, ``make test-all`` at every single one. ``make crashes``
does the latter with every flow, and ``make crashes PAIRS=1`` kills twice.
"""

import os
from collections import defaultdict

import pytest

from tests.simulation.crashes import IN_PAIRS
from tests.simulation.test_seeds import Result, describe, gather

FEW = 36


@pytest.fixture(scope="module", params=[FEW, pytest.param(1, marks=pytest.mark.exhaustive)])
def step(request: pytest.FixtureRequest) -> int:
    """Of how many points one is played."""
    return int(request.param)


@pytest.fixture(scope="module")
def runs(step: int) -> dict[str, list[Result]]:
    """The flows with their crashes, played on all cores at once."""
    processes, flows = os.cpu_count() or 1, list(IN_PAIRS)
    shares = [[word for flow in flows[n::processes] for word in ("--flow", flow)] for n in range(processes)]
    by_flow: dict[str, list[Result]] = defaultdict(list)
    for result in gather([["0", "--every", str(step), *share] for share in shares if share]):
        assert "flow" in result, result
        by_flow[result["flow"]].append(result)
    return by_flow


@pytest.mark.parametrize("flow", IN_PAIRS)
def test_a_flow_that_is_killed_anywhere_heals(runs: dict[str, list[Result]], flow: str, step: int) -> None:
    undisturbed, *killed = runs[flow]
    failed = [one for one in (undisturbed, *killed) if one["rule"]]
    assert not failed, "\n".join(map(describe, failed))
    points = sum(undisturbed["points"].values())
    assert points > 40
    assert len(killed) == len(range(0, points, step))
    assert all(len(one["crashed"]) == 1 for one in killed)
