"""Small runs of ``make chaos``, with at least one of each kind killed. ``make test-all`` plays them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("web", "worker", "backend", "PostgreSQL")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("payments", "buyers"), [(15, 4), (70, 8)], ids=["a few", "more"])
def test_whoever_is_killed_every_promise_is_kept_and_the_doctor_finds_nothing(
    payments: int, buyers: int
) -> None:
    size = ["--small", "--payments", str(payments), "--clients", str(buyers)]
    played = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.chaos", *size],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = played.stdout + played.stderr
    assert played.returncode == 0, output
    killed = re.search(r"^killed .*$", output, re.MULTILINE)
    assert killed
    assert all(re.search(rf"[1-9]\d* × {kind}\b", killed[0]) for kind in KINDS), output
    captured = re.search(r"^payments +(\d+) captured", output, re.MULTILINE)
    assert captured and int(captured[1]) >= payments * 6 // 7, output
