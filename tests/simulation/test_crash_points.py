"""Every flow, killed at every single point at which its process can be killed, and healed each time."""

import pytest

from tests.simulation.crashes import FLOWS
from tests.simulation.test_seeds import gather, story


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_that_is_killed_anywhere_heals(flow: str) -> None:
    undisturbed, *killed = gather([["0", "--flow", flow]])
    assert not undisturbed["rule"], story(undisturbed)
    failed = [one for one in killed if one["rule"]]
    assert not failed, "\n".join(map(story, failed))
    assert len(killed) == sum(undisturbed["points"].values())
    assert all(len(one["crashed"]) == 1 for one in killed)
