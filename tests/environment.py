"""The environment of every test run, set before anything reads it (loaded by ``-p`` in pyproject.toml)."""

import gc
import os
from pathlib import Path

os.environ.setdefault("ESTUARY_SANDBOX", "1")
# Without a sandbox of its own no test, nor a process that it starts, finds a Stripe: by default it would be a demo's,
# and a worker would send back all that was paid there.
NOBODY_LISTENS = os.environ["STRIPE_API_BASE"] = "http://127.0.0.1:9"
os.environ.setdefault("ESTUARY_VAR", str(Path(__file__).parents[1] / ".var" / "tests"))

# What is imported and collected stays to the end. To look at it for garbage, again and again, would free nothing.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
