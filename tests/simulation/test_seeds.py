"""A fixed number of stories at each run of the tests; ``make simulate SEEDS=n`` tells as many as you like."""

import os
import queue
from typing import Any

from tests.simulation.__main__ import play_all

SEEDS = 200
TOLD_TWICE = 12

type Found = dict[str, Any]


def gather(arguments: list[list[str]]) -> list[Found]:
    """Play all of it, each list of arguments in a process of its own, and return what was found."""
    found: queue.Queue[Found | None] = play_all(arguments)
    gathered: list[Found] = []
    running = len(arguments)
    while running:
        one = found.get()
        running -= one is None
        gathered += [one] if one else []
    return gathered


def story(failed: Found) -> str:
    without = f" WITHOUT='{' '.join(failed['left_out'])}'" if failed.get("left_out") else ""
    again = f"make simulate SEED={failed['seed']}{without}"
    return "\n".join([f"\n{failed['rule']}: {again}", *failed.get("lines", []), failed["told"]])


def test_whatever_happens_the_books_balance_and_nothing_is_stuck() -> None:
    processes = os.cpu_count() or 1
    played = gather([[f"{first}:{SEEDS}:{processes}"] for first in range(processes)])
    assert len(played) == SEEDS
    failed = [one for one in played if one["rule"]]
    assert not failed, "\n".join(map(story, failed))
    assert {"timeout_after", "error_saved", "webhook dropped"} <= {
        name for one in played for name in one["struck"]
    }
    assert {"before commit", "after commit", "before send"} <= {
        kind for one in played for kind in one["crashed"]
    }


def test_the_same_seed_is_the_same_story() -> None:
    seeds = f"0:{TOLD_TWICE}"
    played = gather([[seeds], [seeds]])
    traces = [(one["seed"], one["trace"]) for one in played]
    assert len(traces) == 2 * TOLD_TWICE
    assert len(set(traces)) == TOLD_TWICE
