"""The environment of every test run, set before anything reads it (loaded by ``-p`` in pyproject.toml)."""

import os
from pathlib import Path

os.environ.setdefault("ESTUARY_SANDBOX", "1")
os.environ.setdefault("ESTUARY_VAR", str(Path(__file__).parents[1] / ".var" / "tests"))
