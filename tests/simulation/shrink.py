"""Making a failing scenario short: part after part is left out, as long as the same rule still breaks."""

import time
from collections.abc import Callable

from tests.simulation.run_result import RunResult
from tests.simulation.scenario import Scenario, leave_out, parts_of

LONGEST_S = 30.0


def shrink(scenario: Scenario, failed: RunResult, play: Callable[[Scenario], RunResult]) -> RunResult:
    """Return the result of the smallest scenario that was found to break the same rule; it names what it left out."""
    left_out: frozenset[str] = frozenset()
    until, smallest = time.monotonic() + LONGEST_S, failed
    again = True
    while again:
        again = False
        for part in parts_of(leave_out(scenario, left_out)):
            if time.monotonic() > until:
                break
            tried = play(leave_out(scenario, left_out | {part}))
            if tried.rule == failed.rule:
                left_out, smallest, again = left_out | {part}, tried, True
    smallest.left_out = sorted(left_out)
    return smallest
