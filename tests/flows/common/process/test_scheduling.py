"""The web server's threads do not preempt the worker, where the system knows how (docs/decisions/0019)."""

import os
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from estuary.common.process import cpu_priority
from tests.flows.payments.webhooks.test_webhook import an_event, signed
from tests.flows.payments.webhooks.test_webhook_on_the_wire import serving

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has it")


@pytest.mark.django_db(transaction=True)
def test_every_thread_that_answers_requests_lets_others_go_first() -> None:
    assert os.sched_getscheduler(0) == os.SCHED_OTHER  # or its children would have it from here
    with serving("--workers", "1") as wire:
        body = an_event()
        assert wire.post(f"Content-Length: {len(body)}", body, signed(body)) == 200
        [worker] = [child for child in psutil.Process(wire.server.pid).children() if child.num_threads() > 1]
        threads = [thread.id for thread in worker.threads()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}


def test_where_a_sandbox_forbids_it_the_server_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(pid: int, policy: int, param: Sequence[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    with capture_logs() as logs:
        cpu_priority.lower_cpu_priority()
    assert [line["event"] for line in logs] == ["scheduling_unchanged"]
