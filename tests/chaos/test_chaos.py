"""A small run of ``make chaos``, with at least one of each kind killed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = ("web", "worker", "backend", "PostgreSQL")


def test_whoever_is_killed_every_promise_is_kept_and_the_doctor_finds_nothing() -> None:
    played = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.chaos", "--small"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = played.stdout + played.stderr
    assert played.returncode == 0, told
    killed = re.search(r"^killed .*$", told, re.MULTILINE)
    assert killed
    assert all(re.search(rf"[1-9]\d* × {kind}\b", killed[0]) for kind in KINDS), told
    payments = re.search(r"^payments +(\d+) captured", told, re.MULTILINE)
    assert payments and int(payments[1]) >= 60, told
