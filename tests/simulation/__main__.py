"""Tell the stories of some seeds: ``python -m tests.simulation --seeds 100 --from 0``."""

import argparse
import os
import sys
import time

os.environ.setdefault("ESTUARY_SANDBOX", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")

import django

django.setup()
from tests.simulation.house import drop_database
from tests.simulation.plan import plan_of
from tests.simulation.stage import Stage

parser = argparse.ArgumentParser()
parser.add_argument("--seeds", type=int, default=10)
parser.add_argument("--from", dest="first", type=int, default=0)
parser.add_argument("--verbose", action="store_true")
given = parser.parse_args()
stage = Stage(f"estuary_simulation_{os.getpid()}")
began = time.monotonic()
import traceback
for seed in range(given.first, given.first + given.seeds):
    t = time.monotonic()
    found = stage.play(plan_of(seed))
    print(seed, found.trace[:12], f"{time.monotonic() - t:.2f}s", f"sim {found.simulated_s:.0f}s steps {found.steps}", found.told[:300], found.crashed, flush=True)
    if given.verbose:
        print("\n".join(found.lines))
        if found.failure: traceback.print_exception(found.failure)
os._exit(0)
