"""One process: plays the seeds that it is given, and prints what each came to as a line of JSON."""

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import asdict

import django

from tests.simulation.run_result import RunResult


def seeds_of(told: str) -> Iterable[int]:
    """``7`` is one seed, ``0:100:2`` every second of the first hundred."""
    return range(*map(int, told.split(":"))) if ":" in told else [int(told)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", type=seeds_of)
    parser.add_argument("--without", default="", help="parts of the scenario to leave out, by their names")
    parser.add_argument(
        "--flow", action="append", default=[], help="a flow with every crash, instead of seeds"
    )
    parser.add_argument("--every", type=int, default=1, help="of a flow's crashes, only each n-th")
    parser.add_argument(
        "--pairs", help="a flow with every pair of crashes: flow, share and of how many, by colons"
    )
    parser.add_argument("--unshrunk", action="store_true", help="do not make a failing scenario short")
    parser.add_argument("--tell", action="store_true", help="keep the log of a run that went well, too")
    parser.add_argument(
        "--mutant", default="", help="break the product on purpose, by name, until that is noticed"
    )
    given = parser.parse_args()
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    django.setup()
    from tests.simulation.crashes import every_crash, every_pair
    from tests.simulation.focused_scenarios import SCENARIOS
    from tests.simulation.harness import Harness
    from tests.simulation.mutants import by_name
    from tests.simulation.scenario import leave_out
    from tests.simulation.scenario_runner import ScenarioRunner
    from tests.simulation.shrink import shrink
    from tests.simulation.world import drop_database

    mutant = by_name(given.mutant) if given.mutant else None
    scenario_of = SCENARIOS[mutant.scenarios if mutant else ""]
    name = f"estuary_simulation_{os.getpid()}"
    play = ScenarioRunner(Harness(name)).play
    left_out = frozenset(given.without.split())
    try:
        if mutant:
            mutant.act()
        for flow in given.flow:
            for found in every_crash(flow, play, step=given.every):
                _print(found)
        if given.pairs:
            flow, share, shares = given.pairs.split(":")
            for found in every_pair(flow, play, share=int(share), shares=int(shares)):
                _print(found)
        if given.flow or given.pairs:
            return
        for seed in given.seeds:
            scenario = leave_out(scenario_of(seed), left_out)
            found = play(scenario)
            if found.rule and not given.without and not given.unshrunk:
                found = shrink(scenario, found, play)
            _print(found, tell=given.tell)
            if mutant and found.rule in mutant.rules:
                break
    finally:
        drop_database(name)


def _print(found: RunResult, *, tell: bool = False) -> None:
    found.lines = found.lines if found.rule or tell else []
    print(json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    main()
