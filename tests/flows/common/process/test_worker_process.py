"""The worker as a process: it outlives its database, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.notifications import staff_alerts
from tests.flows.payments.gateway.test_real_mode import database_url

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[4]
FULL = Path("/dev/full")
NAME = "the worker"
ITS_CONNECTIONS = "FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
LISTENERS = f"{ITS_CONNECTIONS} AND query ILIKE 'LISTEN%%'"


class Worker:
    """``manage.py worker`` on the tests' own database."""

    def __init__(self, log: Path, url: str, *arguments: str, **more: str) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker", *arguments],
                cwd=ROOT, env=os.environ | {"DATABASE_URL": url} | more, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,  # as production's: what it says of itself is not said of the tests
            )  # fmt: skip

    def has_logged(self, text: str) -> bool:
        return text in self._log.read_text(errors="replace")

    def wait_until(self, reached: Callable[[], bool], what: str) -> None:
        for _ in range(600):
            if reached():
                return
            assert self.process.poll() is None, f"the worker ended with code {self.process.returncode}"
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within a minute\n{self._log.read_text()[-3000:]}")


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[Worker]:
    started = Worker(tmp_path / "worker.log", f"{database_url()}&application_name={quote(NAME)}")
    started.wait_until(is_listening, "listening")
    yield started
    started.process.kill()
    started.process.wait()


def is_listening() -> bool:
    return bool(_count(f"SELECT count(*) {LISTENERS}"))


def cut_off(whom: str) -> int:
    """End connections of the worker as a crash of the database does; returns how many."""
    return _count(f"SELECT count(pg_terminate_backend(pid)) {whom}")


def _count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, [NAME])
        return int(cursor.fetchone()[0])


@contextmanager
def nobody_let_in() -> Iterator[None]:
    """Keep new connections out, as a server does that recovers; those that are there go on."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(database_url().replace(f"/{name}?", "/postgres?"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def alert(worker: Worker, code: str) -> None:
    """Give it a job, and wait until it is done."""
    staff_alerts.alert_staff(code, "Something to tell.")
    done = ProcrastinateJob.objects.filter(task_name="payments.alert_staff")
    worker.wait_until(lambda: not done.exists(), f"the job {code}")


def test_a_worker_that_can_listen_no_more_for_a_while_listens_again_and_works_on(worker: Worker) -> None:
    with nobody_let_in():
        assert cut_off(LISTENERS) == 1
        worker.wait_until(lambda: worker.has_logged("stopping worker"), "noticing")
    worker.wait_until(is_listening, "listening again")
    alert(worker, "afterwards")


def test_a_worker_that_loses_all_its_connections_works_on(worker: Worker) -> None:
    assert cut_off(ITS_CONNECTIONS) > 1
    worker.wait_until(is_listening, "listening again")
    alert(worker, "afterwards")


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_in_good_order_when_it_is_told_to(worker: Worker, ending: signal.Signals) -> None:
    worker.process.send_signal(ending)
    assert worker.process.wait(timeout=60) == 0


def test_a_worker_waits_for_its_database_for_as_long_as_it_takes_and_ends_in_good_order_all_the_same(
    tmp_path: Path,
) -> None:
    waiting = Worker(tmp_path / "worker.log", f"postgresql://nobody@/nothing?host={tmp_path}")
    try:
        waiting.wait_until(lambda: waiting.has_logged("worker_begins_anew"), "giving up once")
        waiting.process.send_signal(signal.SIGTERM)
        assert waiting.process.wait(timeout=60) == 0
    finally:
        waiting.process.kill()
        waiting.process.wait()


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
def test_a_worker_that_can_not_say_that_it_is_ready_ends(transactional_db: None) -> None:
    env = os.environ | {"DATABASE_URL": database_url()}
    with FULL.open("wb") as out:
        ended = subprocess.run(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT, env=env, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert b"No space left on device" in ended.stderr
