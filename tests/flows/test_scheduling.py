"""The web server's threads let others go first, where the system knows how (docs/decisions/0019 and 0021)."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from estuary.common.process import cpu_priority
from tests.flows.test_webhook import an_event, signed
from tests.flows.test_webhook_on_the_wire import serving

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has it")


@pytest.mark.django_db(transaction=True)
def test_every_thread_that_answers_requests_lets_others_go_first() -> None:
    assert os.sched_getscheduler(0) == os.SCHED_OTHER  # or its children would have it from here
    assert os.getpriority(os.PRIO_PROCESS, 0) < cpu_priority.NICE
    with serving("--workers", "1") as wire:
        body = an_event()
        assert wire.post(f"Content-Length: {len(body)}", body, signed(body)) == 200
        [worker] = [child for child in psutil.Process(wire.server.pid).children() if child.num_threads() > 1]
        threads = [thread.id for thread in worker.threads()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {cpu_priority.NICE}
        if (session := Path(f"/proc/{worker.pid}/autogroup")).exists():
            assert session.read_text().endswith(f" nice {cpu_priority.NICE}\n")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Linux says of a session, in place of ours."""
    session = tmp_path / "autogroup"
    session.write_text("/autogroup-7 nice 0\n")
    monkeypatch.setattr(cpu_priority, "AUTOGROUP", session)
    return session


ASKING = (
    "import os; from estuary.common import scheduling; scheduling.let_others_go_first(leader=os.getpid());"
)
SAYING = "print(os.getpriority(os.PRIO_PROCESS, 0), scheduling.nice_of_session())"


@pytest.mark.skipif(
    not cpu_priority.AUTOGROUP.exists(), reason="the system shares its cores among no sessions"
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_session_is_lowered_by_who_has_begun_it(alone: bool) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ASKING + SAYING],
        capture_output=True, text=True, check=True, start_new_session=alone,
    )  # fmt: skip
    of_session = cpu_priority.NICE if alone else cpu_priority.read_session_nice()
    assert said.stdout.split() == [str(cpu_priority.NICE), str(of_session)]


def test_where_we_are_in_no_session_that_is_given_a_share_nothing_is_lowered(session: Path) -> None:
    session.write_text("")
    cpu_priority._lower_session()
    assert session.read_text() == ""


def test_nobody_is_pushed_forward(session: Path) -> None:
    session.write_text("/autogroup-7 nice 10\n")
    cpu_priority._lower_session()
    assert session.read_text() == "/autogroup-7 nice 10\n"


def test_a_session_that_may_not_be_changed_just_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    class Busy:
        def exists(self) -> bool:
            return True

        def read_text(self) -> str:
            return "/autogroup-7 nice 0\n" if len(tried) < 3 else f"/autogroup-7 nice {cpu_priority.NICE}\n"

        def write_text(self, text: str) -> None:
            tried.append(text)
            if len(tried) < 3:
                raise BlockingIOError

    monkeypatch.setattr(cpu_priority, "AUTOGROUP", Busy())
    monkeypatch.setattr(cpu_priority, "AUTOGROUP_PAUSE_S", 0)
    cpu_priority._lower_session()
    assert tried == [str(cpu_priority.NICE)] * 3


def test_where_a_sandbox_forbids_it_the_server_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(pid: int, policy: int, param: Sequence[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    with capture_logs() as logs:
        cpu_priority.lower_cpu_priority(leader=os.getpid())
    assert [line["event"] for line in logs] == ["scheduling_unchanged"]
