"""Making a failing story short: part after part is left out, as long as the same rule still breaks."""

import time
from collections.abc import Callable

from tests.simulation.run_result import Findings
from tests.simulation.scenario import Plan, leave_out, parts_of

LONGEST_S = 30.0


def shrink(plan: Plan, failed: Findings, play: Callable[[Plan], Findings]) -> Findings:
    """Return the findings of the smallest plan that was found to break the same rule; it names what it left out."""
    left_out: frozenset[str] = frozenset()
    until, smallest = time.monotonic() + LONGEST_S, failed
    again = True
    while again:
        again = False
        for part in parts_of(leave_out(plan, left_out)):
            if time.monotonic() > until:
                break
            tried = play(leave_out(plan, left_out | {part}))
            if tried.rule == failed.rule:
                left_out, smallest, again = left_out | {part}, tried, True
    smallest.left_out = sorted(left_out)
    return smallest
