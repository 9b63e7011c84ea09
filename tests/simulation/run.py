"""One process: plays the seeds that it is given, and prints what each came to as a line of JSON."""

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import asdict

import django

from tests.simulation.run_result import RunResult


def seeds_of(spec: str) -> Iterable[int]:
    """``7`` is one seed, ``0:100:2`` every second of the first hundred."""
    return range(*map(int, spec.split(":"))) if ":" in spec else [int(spec)]


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
    options = parser.parse_args()
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

    mutant = by_name(options.mutant) if options.mutant else None
    scenario_of = SCENARIOS[mutant.scenarios if mutant else ""]
    name = f"estuary_simulation_{os.getpid()}"
    play = ScenarioRunner(Harness(name)).play
    left_out = frozenset(options.without.split())
    try:
        if mutant:
            mutant.act()
        for flow in options.flow:
            for result in every_crash(flow, play, step=options.every):
                _print(result)
        if options.pairs:
            flow, share, shares = options.pairs.split(":")
            for result in every_pair(flow, play, share=int(share), shares=int(shares)):
                _print(result)
        if options.flow or options.pairs:
            return
        for seed in options.seeds:
            scenario = leave_out(scenario_of(seed), left_out)
            result = play(scenario)
            if result.rule and not options.without and not options.unshrunk:
                result = shrink(scenario, result, play)
            _print(result, tell=options.tell)
            if mutant and result.rule in mutant.rules:
                break
    finally:
        drop_database(name)


def _print(result: RunResult, *, tell: bool = False) -> None:
    result.lines = result.lines if result.rule or tell else []
    print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
