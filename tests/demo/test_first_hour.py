"""The README's block for the real Stripe, typed as it stands in a fresh clone, ends with a paid order.

``make test-all`` types it; ``make test`` looks whether everything that it names is there.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from demo.first_hour import FETCH, read_block
from demo.plan import CannotStart
from estuary.config.environment import BASE_DIR, Environment


def test_the_block_names_targets_variables_and_commands_that_there_are() -> None:
    block = read_block(BASE_DIR / "README.md")
    targets = re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE)
    variables = {
        str(field.validation_alias or name).upper() for name, field in Environment.model_fields.items()
    }
    assert set(FETCH.split()[1:]) <= set(targets)
    exported, commands = (
        re.findall(r"^export (\w+)=", block, re.MULTILINE),
        re.findall(r"manage\.py (\w+)", block),
    )
    assert len(exported) == 6 and set(exported) <= variables
    assert len(commands) == 4 and set(commands) <= get_commands().keys()


@pytest.mark.exhaustive
def test_the_first_hour_ends_with_a_paid_order() -> None:
    command = [sys.executable, "-m", "demo.first_hour", "--linked"]
    played = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "The first hour ends with a paid order" in played.stdout


def test_a_readme_without_its_block_is_named(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("## The real Stripe\n\nSee elsewhere.\n")
    with pytest.raises(CannotStart, match=FETCH):
        read_block(readme)
    assert read_block(BASE_DIR / "README.md").startswith(FETCH)
