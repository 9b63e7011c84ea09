"""Every flow, killed at every single point at which its process can be killed, and healed each time."""

import os
from collections import defaultdict

import pytest

from tests.simulation.crashes import FLOWS
from tests.simulation.test_seeds import Found, gather, story


@pytest.fixture(scope="module")
def told() -> dict[str, list[Found]]:
    """All flows with all their crashes, told on all cores at once."""
    processes, flows = os.cpu_count() or 1, list(FLOWS)
    shares = [[word for flow in flows[n::processes] for word in ("--flow", flow)] for n in range(processes)]
    by_flow: dict[str, list[Found]] = defaultdict(list)
    for found in gather([["0", *share] for share in shares if share]):
        assert "flow" in found, found
        by_flow[found["flow"]].append(found)
    return by_flow


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_that_is_killed_anywhere_heals(told: dict[str, list[Found]], flow: str) -> None:
    undisturbed, *killed = told[flow]
    failed = [one for one in (undisturbed, *killed) if one["rule"]]
    assert not failed, "\n".join(map(story, failed))
    assert len(killed) == sum(undisturbed["points"].values()) > 40
    assert all(len(one["crashed"]) == 1 for one in killed)
