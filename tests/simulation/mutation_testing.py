"""``make mutants``: break the product on purpose, mutant by mutant, and see which seed notices by which rule."""

import argparse
import os
import queue
import sys
import threading
import time
from dataclasses import dataclass, field

import django

from tests.simulation.__main__ import Result, play_all

PROCESSES = 2


@dataclass
class Verdict:
    """What became of a mutant: the seed and the rule that caught it, or what else was seen on the way."""

    invariant: str
    name: str
    seed: str = ""
    rule: str = ""
    seconds: float = 0.0
    seeds: int = 0
    others: dict[str, int] = field(default_factory=dict)

    @property
    def row(self) -> str:
        caught = f"seed {self.seed:>4}  {self.rule}" if self.rule else f"SURVIVED {self.seeds} seeds"
        besides = ", ".join(f"{count} × {rule}" for rule, count in self.others.items())
        remark = f"  (besides: {besides})" if besides and not self.rule else ""
        return f"{self.invariant:<4}{self.name:<58}{self.seconds:>5.0f} s  {caught}{remark}"


def hunt(name: str, invariant: str, rules: tuple[str, ...], seeds: int) -> Verdict:
    """Play seeds against one mutant until one breaks a rule that counts."""
    verdict, began = Verdict(invariant, name), time.monotonic()
    results: queue.Queue[Result | None] = play_all([[f"0:{seeds}", "--mutant", name, "--unshrunk"]])
    while one := results.get():
        verdict.seeds += 1
        if one["rule"] in rules:
            verdict.seed, verdict.rule = str(one["seed"]), one["rule"]
        elif one["rule"]:
            verdict.others[one["rule"]] = verdict.others.get(one["rule"], 0) + 1
    verdict.seconds = time.monotonic() - began
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--only", default="", help="parts of names, or invariants, with commas between them")
    parser.add_argument("--seeds", type=int, default=150)
    options = parser.parse_args()
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    django.setup()
    from tests.simulation.mutants import INVARIANTS, MUTANTS

    mutants = [
        one
        for one in sorted(MUTANTS, key=lambda one: INVARIANTS.index(one.invariant))
        if any(part in one.name or part == one.invariant for part in options.only.split(","))
    ]
    todo, done = queue.Queue[tuple[str, str, tuple[str, ...]]](), queue.Queue[Verdict]()
    for one in mutants:
        todo.put((one.name, one.invariant, one.rules))

    def work() -> None:
        while not todo.empty():
            done.put(hunt(*todo.get(), options.seeds))

    for _ in range(PROCESSES):
        threading.Thread(target=work, daemon=True).start()
    survivors = 0
    for _ in mutants:
        verdict = done.get()
        survivors += not verdict.rule
        print(verdict.row, flush=True)
    print(f"{len(mutants)} mutants, {survivors} survived")
    return bool(survivors or not mutants)


if __name__ == "__main__":
    sys.exit(main())
