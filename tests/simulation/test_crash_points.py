"""Three flows, killed at every single point at which a process can be killed, and healed each time.

``make crashes`` does the same with every flow, and ``make crashes PAIRS=1`` kills twice.
"""

import pytest

from tests.simulation.crashes import IN_PAIRS
from tests.simulation.test_seeds import gather, story


@pytest.mark.parametrize("flow", IN_PAIRS)
def test_a_flow_that_is_killed_anywhere_heals(flow: str) -> None:
    told = gather([["0", "--flow", flow]])
    assert all(one.get("flow") == flow for one in told), told
    undisturbed, *killed = told
    failed = [one for one in (undisturbed, *killed) if one["rule"]]
    assert not failed, "\n".join(map(story, failed))
    assert len(killed) == sum(undisturbed["points"].values()) > 40
    assert all(len(one["crashed"]) == 1 for one in killed)
