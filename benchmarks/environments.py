"""Virtual environments of the peers, with pinned packages, created once."""

import os
import shutil
import subprocess

from benchmarks.testbed import ENVIRONMENTS
from demo.plan import CannotStart
from demo.servers import PYTHON
from estuary.config.environment import BASE_DIR

REQUIREMENTS = BASE_DIR / "benchmarks" / "peers" / "with_djstripe" / "requirements.txt"


def djstripe() -> str:
    """Return a Python with dj-stripe, reinstalled when its requirements have changed; raises CannotStart."""
    home = ENVIRONMENTS / "djstripe"
    python, ready = home / "bin" / "python", home / ".ready"
    if ready.exists() and ready.read_text() == REQUIREMENTS.read_text():
        return str(python)
    uv = shutil.which("uv") or str(BASE_DIR / ".cache" / "uv" / "bin" / "uv")
    for step in (
        [uv, "venv", "--quiet", "--clear", "--python", PYTHON, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(python), "--requirement", str(REQUIREMENTS)],
    ):
        _run(step)
    ready.write_text(REQUIREMENTS.read_text())
    return str(python)


def versions() -> dict[str, str]:
    """Return the pinned versions of the peer, by their names in the tables."""
    lines = (line.partition("==") for line in REQUIREMENTS.read_text().splitlines())
    pinned = {name: version for name, _, version in lines}
    return {"dj-stripe": pinned["dj-stripe"], "its stripe": pinned["stripe"]}


def _run(step: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "UV_PROJECT_ENVIRONMENT"}
    ran = subprocess.run(step, capture_output=True, text=True, check=False, env=kept)
    if ran.returncode != 0:
        raise CannotStart(f"dj-stripe could not be installed: {ran.stderr.strip()[-500:]}")
