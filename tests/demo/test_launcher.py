"""The launcher says what is wrong, and leaves nothing running."""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from demo import processes
from demo.plan import MARK, CannotStart, Plan, plan_for_demo, plan_for_smoke
from demo.postgres import Postgres
from demo.processes import Child, ProcessGroup, end_leftovers
from tests.servers import wait_until


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[ProcessGroup]:
    started = ProcessGroup(tmp_path)
    yield started
    started.stop()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def says(child: Child, text: str) -> bool:
    return text in child.log.read_text()


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that only waits to be collected has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" in status.read_text()


def test_a_port_that_is_taken_is_named_with_the_variable_that_changes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("WEB_PORT", port)
        with pytest.raises(CannotStart, match=f"Port {port}, for the web server, is taken.*WEB_PORT="):
            plan_for_demo()


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SANDBOX_PORT", text)
    with pytest.raises(CannotStart, match=f"SANDBOX_PORT={text} is no port"):
        plan_for_demo()


def test_a_smoke_run_has_ports_of_its_own(tmp_path: Path) -> None:
    plan = plan_for_smoke(tmp_path)
    assert len({plan.web_port, plan.sandbox_port, 8000, 12111}) == 4


def test_a_shell_that_is_set_up_for_the_real_stripe_does_not_leak_into_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("STRIPE_SECRET_KEY", "DJANGO_SECRET_KEY", "STRIPE_HTTP_CLIENT"):
        monkeypatch.setenv(name, "sk_live_of_somebody")
    env = Plan(tmp_path, 8000, 12111).environment("postgresql:///demo")
    assert "sk_live_of_somebody" not in env.values()
    assert env["ESTUARY_SANDBOX"] == "1"


def test_a_process_that_dies_is_reported_with_the_end_of_its_log(process_group: ProcessGroup) -> None:
    with pytest.raises(CannotStart, match=r"(?s)seed ended with code 3.*the last words"):
        process_group.run("seed", python("print('the last words'); raise SystemExit(3)"), dict(os.environ))


def test_a_process_that_dies_while_it_is_waited_for_ends_the_waiting(process_group: ProcessGroup) -> None:
    process_group.start("web", python("raise SystemExit(1)"), dict(os.environ))
    with pytest.raises(CannotStart, match="web ended with code 1"):
        process_group.wait_for(lambda: None, "The web server", timeout_s=20)


def test_what_does_not_come_up_in_time_is_named(process_group: ProcessGroup) -> None:
    with pytest.raises(CannotStart, match="The web server did not come up"):
        process_group.wait_for(lambda: None, "The web server", timeout_s=0.1)


def test_stopping_ends_what_does_not_want_to_and_what_it_started(
    process_group: ProcessGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_WITHIN_S", 0.3)
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('started', child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    child = process_group.start("stubborn", python(stubborn), dict(os.environ))
    process_group.wait_for(lambda: says(child, "started"), "the process", timeout_s=20)
    grandchild = int(child.log.read_text().split()[1])
    process_group.stop()
    assert child.process.returncode == -signal.SIGKILL
    wait_until(lambda: is_gone(grandchild), 5)


def test_what_is_killed_is_nobodys_and_what_is_started_after_it_speaks_for_itself(
    process_group: ProcessGroup,
) -> None:
    say = "import sys, time; print(sys.argv[1], flush=True); time.sleep(60)"
    first = process_group.start("web", [*python(say), "first"], dict(os.environ))
    process_group.wait_for(lambda: "first" in first.output, "the process", timeout_s=20)
    process_group.kill(first)
    assert first.process.returncode == -signal.SIGKILL
    second = process_group.start("web", [*python(say), "second"], dict(os.environ))
    process_group.wait_for(lambda: "second" in second.output, "the process", timeout_s=20)
    assert second.output.split() == ["second"]
    assert second.log.read_text().split() == ["first", "second"]


def test_a_postgresql_that_crashed_comes_back_under_its_address_with_all_that_was_committed() -> None:
    with tempfile.TemporaryDirectory(prefix="estuary-crash-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user, who has to get through
        (logs := Path(folder) / "logs").mkdir()
        postgres = Postgres(Path(folder), logs)
        try:
            url = postgres.start(dict(os.environ))
            with psycopg.connect(url) as database:
                database.execute("CREATE TABLE kept (number int)")
            with psycopg.connect(url, autocommit=True) as database:
                database.execute("INSERT INTO kept VALUES (1)")
                postgres.crash()
                with pytest.raises(psycopg.OperationalError):
                    database.execute("SELECT 1")
            assert postgres.start(dict(os.environ)) == url
            with psycopg.connect(url) as database:
                assert database.execute("SELECT number FROM kept").fetchall() == [(1,)]
        finally:
            postgres.stop()


def test_what_a_killed_demo_left_behind_is_ended_and_nothing_else(
    process_group: ProcessGroup, tmp_path: Path
) -> None:
    ours = process_group.start(
        "web", python("import time; time.sleep(60)"), {**os.environ, MARK: str(tmp_path)}
    )
    another = process_group.start(
        "other", python("import time; time.sleep(60)"), {**os.environ, MARK: "/elsewhere"}
    )
    time.sleep(0.2)  # until both have become the program that they are to run
    end_leftovers(tmp_path)
    assert ours.process.poll() is not None
    assert another.process.poll() is None
