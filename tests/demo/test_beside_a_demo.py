"""Beside a running demo manage.py works on it; `make -n demo` starts nothing."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import manage
from demo.plan import Plan
from estuary.config.environment import BASE_DIR

MAKE = shutil.which("make") or "make"


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The folder of a demo, with the settings that it wrote."""
    plan = Plan(tmp_path / "demo", 8000, 12111)
    plan.var.mkdir()
    (plan.var / "settings.json").write_text(json.dumps(plan.settings("postgresql:///demo")))
    (tmp_path / "demo.lock").touch()
    return tmp_path


def test_the_settings_of_a_demo_are_used_while_it_runs_and_not_after_it(demo: Path) -> None:
    assert manage.demo_settings(demo) == {}
    with (demo / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = manage.demo_settings(demo)
    assert (settings["ESTUARY_SANDBOX"], settings["DATABASE_URL"]) == ("1", "postgresql:///demo")
    assert manage.demo_settings(demo) == {}
    assert manage.demo_settings(demo / "nowhere") == {}


def test_a_shell_with_settings_of_its_own_keeps_them(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo / ".var").mkdir()
    shutil.move(demo / "demo", demo / ".var" / "demo")
    (demo / "demo.lock").rename(demo / ".var" / "demo.lock")
    monkeypatch.setattr(manage, "ROOT", demo)
    for name in {*manage.OWN_SETTINGS, *Plan(demo, 8000, 12111).settings("")}:
        monkeypatch.setenv(name, "")
    with (demo / ".var" / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setenv("DATABASE_URL", "postgresql:///mine")
        manage.use_running_demo()
        assert os.environ["DATABASE_URL"] == "postgresql:///mine"
        monkeypatch.setenv("DATABASE_URL", "")
        manage.use_running_demo()
        assert os.environ["DATABASE_URL"] == "postgresql:///demo"
    assert capsys.readouterr().err == "Using the running demo at http://localhost:8000.\n"


@pytest.mark.parametrize("target", ["demo", "smoke"])
def test_make_n_starts_nothing(tmp_path: Path, target: str) -> None:
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ntouch {started}\n")
    python.chmod(0o755)
    shown = subprocess.run(
        [MAKE, "-n", target, f"BIN={tmp_path}"], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert f"{python} -m demo" in shown.stdout
    assert not started.exists()
