"""Three flows, killed at every single point at which a process can be killed, and healed each time.

``make crashes`` does the same with every flow, and ``make crashes PAIRS=1`` kills twice.
"""

import os
from collections import defaultdict

import pytest

from tests.simulation.crashes import IN_PAIRS
from tests.simulation.test_seeds import Found, gather, story


@pytest.fixture(scope="module")
def told() -> dict[str, list[Found]]:
    """All flows with all their crashes, told on all cores at once."""
    processes, flows = os.cpu_count() or 1, list(IN_PAIRS)
    shares = [[word for flow in flows[n::processes] for word in ("--flow", flow)] for n in range(processes)]
    by_flow: dict[str, list[Found]] = defaultdict(list)
    for found in gather([["0", *share] for share in shares if share]):
        assert "flow" in found, found
        by_flow[found["flow"]].append(found)
    return by_flow


@pytest.mark.parametrize("flow", IN_PAIRS)
def test_a_flow_that_is_killed_anywhere_heals(told: dict[str, list[Found]], flow: str) -> None:
    undisturbed, *killed = told[flow]
    failed = [one for one in (undisturbed, *killed) if one["rule"]]
    assert not failed, "\n".join(map(story, failed))
    assert len(killed) == sum(undisturbed["points"].values()) > 40
    assert all(len(one["crashed"]) == 1 for one in killed)
