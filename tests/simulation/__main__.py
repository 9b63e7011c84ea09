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

type Result = dict[str, Any]


def play_all(arguments: list[list[str]]) -> "queue.Queue[Result | None]":
    """Start a process for each list of arguments; results come through the queue, and None from each that ended."""
    results: queue.Queue[Result | None] = queue.Queue()
    for command in arguments:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.simulation.run", *command],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
        threading.Thread(target=_listen, args=[process, results], daemon=True).start()
    return results


def _listen(process: "subprocess.Popen[str]", results: "queue.Queue[Result | None]") -> None:
    assert process.stdout
    for line in process.stdout:
        results.put(json.loads(line))
    if process.wait():
        results.put({"seed": "?", "rule": "the process died", "message": f"exit code {process.returncode}"})
    results.put(None)


class Totals:
    """What all the runs came to."""

    def __init__(self) -> None:
        self.failures: list[Result] = []
        self.seeds = self.steps = 0
        self.simulated_s = self.took_s = 0.0
        self.faults: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        if result["rule"]:
            self.failures.append(result)
        self.seeds += 1
        self.steps += result.get("steps", 0)
        self.simulated_s += result.get("simulated_s", 0.0)
        self.took_s += result.get("took_s", 0.0)
        self.faults.update(result.get("struck", {}))
        self.crashes.update(result.get("crashed", []))

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
        for failure in self.failures:
            if failure.get("flow"):
                print(f"FAILED  {failure['rule']}: {failure['message'].splitlines()[0][:300]}")
                continue
            without = f" WITHOUT='{' '.join(failure['left_out'])}'" if failure.get("left_out") else ""
            print(f"FAILED  {failure['rule']}: make simulate SEED={failure['seed']}{without}")
        print(f"{len(self.failures)} failures")


def tell(result: Result) -> None:
    print(f"\n--- seed {result['seed']}: {result['rule'] or 'all is well'}")
    print("\n".join(result.get("lines", [])))
    print(result["message"][-4000:])


def runs_of(options: argparse.Namespace) -> list[list[str]]:
    """Return the arguments of each process."""
    processes = range(options.processes)
    if options.seed is not None:
        return [[str(options.seed), "--tell", *(["--without", options.without] if options.without else [])]]
    if options.pairs:
        return [
            ["0", "--pairs", f"{flow}:{share}:{options.processes}"]
            for flow in IN_PAIRS
            for share in processes
        ]
    if options.crashes:
        shares = [list(FLOWS)[share :: options.processes] for share in processes]
        return [["0", *(word for flow in share for word in ("--flow", flow))] for share in shares if share]
    last = options.first + options.seeds
    return [[f"{options.first + n}:{last}:{options.processes}"] for n in processes if n < options.seeds]


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
    options = parser.parse_args()
    runs = runs_of(options)
    began, totals, running = time.monotonic(), Totals(), len(runs)
    results = play_all(runs)
    while running:
        one = results.get()
        if one is None:
            running -= 1
            continue
        totals.add(one)
        if one["rule"] or options.seed is not None:
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
