"""A fixed number of scenarios at each run of the tests; ``make simulate SEEDS=n`` plays as many as you like.

``make test`` plays a share of them, in which each kind of crash and several kinds of fault occur more than once;
``make test-all`` plays all.
"""

import os
import queue
from typing import Any

import pytest

from tests.simulation.__main__ import play_all

SHARE, ALL = range(20, 56, 9), range(200)
FIRST_PLAYED_TWICE, PLAYED_TWICE = 1, 12

type Result = dict[str, Any]


def gather(arguments: list[list[str]]) -> list[Result]:
    """Play all of it, each list of arguments in a process of its own, and return what was found."""
    results: queue.Queue[Result | None] = play_all(arguments)
    gathered: list[Result] = []
    running = len(arguments)
    while running:
        one = results.get()
        running -= one is None
        gathered += [one] if one else []
    return gathered


def describe(failed: Result) -> str:
    without = f" WITHOUT='{' '.join(failed['left_out'])}'" if failed.get("left_out") else ""
    again = f"make simulate SEED={failed['seed']}{without}"
    return "\n".join([f"\n{failed['rule']}: {again}", *failed.get("lines", []), failed["message"]])


@pytest.mark.parametrize(
    "seeds",
    [SHARE, pytest.param(ALL, marks=pytest.mark.exhaustive)],
    ids=["a share", "all"],
)
def test_whatever_happens_the_books_balance_and_nothing_is_stuck(seeds: range) -> None:
    processes = os.cpu_count() or 1
    shares = [seeds[n::processes] for n in range(processes)]
    played = gather([[f"{share.start}:{share.stop}:{share.step}"] for share in shares])
    assert len(played) == len(seeds)
    failed = [one for one in played if one["rule"]]
    assert not failed, "\n".join(map(describe, failed))
    assert {"timeout_after", "error_saved", "webhook dropped"} <= {
        name for one in played for name in one["struck"]
    }
    assert {"before commit", "after commit", "before send"} <= {
        kind for one in played for kind in one["crashed"]
    }


@pytest.mark.parametrize(
    "seeds",
    [range(FIRST_PLAYED_TWICE), pytest.param(range(PLAYED_TWICE), marks=pytest.mark.exhaustive)],
    ids=["the first", "more of them"],
)
def test_the_same_seed_is_the_same_scenario(seeds: range) -> None:
    arguments = [f"{seeds.start}:{seeds.stop}"]
    played = gather([arguments, arguments])
    traces = [(one["seed"], one["trace"]) for one in played]
    assert len(traces) == 2 * len(seeds)
    assert len(set(traces)) == len(seeds)
