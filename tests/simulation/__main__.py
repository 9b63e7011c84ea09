"""``make simulate``: many seeds on several processes, and in the end what was seen and how to see it again."""

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

from tests.simulation.crashes import FLOWS, IN_PAIRS

type Found = dict[str, Any]


def play_all(arguments: list[list[str]]) -> "queue.Queue[Found | None]":
    """Start a process for each list of arguments; results come through the queue, and None from each that ended."""
    found: queue.Queue[Found | None] = queue.Queue()
    for given in arguments:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.simulation.run", *given],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
        threading.Thread(target=_listen, args=[process, found], daemon=True).start()
    return found


def _listen(process: "subprocess.Popen[str]", found: "queue.Queue[Found | None]") -> None:
    assert process.stdout
    for line in process.stdout:
        found.put(json.loads(line))
    if process.wait():
        found.put({"seed": "?", "rule": "the process died", "told": f"exit code {process.returncode}"})
    found.put(None)


class Totals:
    """What all the runs came to."""

    def __init__(self) -> None:
        self.failures: list[Found] = []
        self.seeds = self.steps = 0
        self.simulated_s = self.took_s = 0.0
        self.faults: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()

    def add(self, found: Found) -> None:
        if found["rule"]:
            self.failures.append(found)
        self.seeds += 1
        self.steps += found.get("steps", 0)
        self.simulated_s += found.get("simulated_s", 0.0)
        self.took_s += found.get("took_s", 0.0)
        self.faults.update(found.get("struck", {}))
        self.crashes.update(found.get("crashed", []))

    def print(self, elapsed_s: float) -> None:
        hours = self.simulated_s / 3600
        print(
            f"{self.seeds} seeds in {elapsed_s:.0f} s, {self.took_s / max(self.seeds, 1):.2f} s each on one core;"
        )
        print(f"{hours:,.0f} hours of simulated time, {self.steps:,} changes of turn")
        print(
            "faults: " + (", ".join(f"{count} {name}" for name, count in self.faults.most_common()) or "none")
        )
        print(
            "killed: "
            + (", ".join(f"{count} {name}" for name, count in self.crashes.most_common()) or "nobody")
        )
        for found in self.failures:
            if found.get("flow"):
                print(f"FAILED  {found['rule']}: {found['told'].splitlines()[0][:300]}")
                continue
            without = f" WITHOUT='{' '.join(found['left_out'])}'" if found.get("left_out") else ""
            print(f"FAILED  {found['rule']}: make simulate SEED={found['seed']}{without}")
        print(f"{len(self.failures)} failures")


def tell(found: Found) -> None:
    print(f"\n--- seed {found['seed']}: {found['rule'] or 'all is well'}")
    print("\n".join(found.get("lines", [])))
    print(found["told"][-4000:])


def runs_of(given: argparse.Namespace) -> list[list[str]]:
    """Return the arguments of each process."""
    processes = range(given.processes)
    if given.seed is not None:
        return [[str(given.seed), "--tell", *(["--without", given.without] if given.without else [])]]
    if given.pairs:
        return [
            ["0", "--pairs", f"{flow}:{share}:{given.processes}"] for flow in IN_PAIRS for share in processes
        ]
    if given.crashes:
        shares = [list(FLOWS)[share :: given.processes] for share in processes]
        return [["0", *(word for flow in share for word in ("--flow", flow))] for share in shares if share]
    last = given.first + given.seeds
    return [[f"{given.first + n}:{last}:{given.processes}"] for n in processes if n < given.seeds]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--without", default="")
    parser.add_argument(
        "--crashes", action="store_true", help="kill each flow at each of its points, instead of seeds"
    )
    parser.add_argument("--pairs", action="store_true", help="kill three flows at each pair of their points")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    runs = runs_of(given)
    began, totals, running = time.monotonic(), Totals(), len(runs)
    found = play_all(runs)
    while running:
        one = found.get()
        if one is None:
            running -= 1
            continue
        totals.add(one)
        if one["rule"] or given.seed is not None:
            tell(one)
        elif sys.stderr.isatty() or totals.seeds % 50 == 0:
            print(
                f"\r{totals.seeds} seeds, {len(totals.failures)} failures",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print()
    totals.print(time.monotonic() - began)
    return bool(totals.failures)


if __name__ == "__main__":
    sys.exit(main())
