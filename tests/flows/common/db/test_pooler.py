"""A pooler between us and PostgreSQL that nobody told us of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]
import pytest
from django.db import connection

from demo.plan import CannotStart
from tests.chaos.pgbouncer import PgBouncer
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[4]


@pytest.fixture
def pooler() -> Iterator[str]:
    """The URL of a PgBouncer before the tests' own PostgreSQL."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SHOW data_directory")
        data = Path(cursor.fetchone()[0])
    postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # whoever PostgreSQL is has to read its configuration
        try:
            bouncer = PgBouncer(database_url(), Path(folder), postmaster)
        except CannotStart as error:
            pytest.skip(str(error))
        with subprocess.Popen(bouncer.command, stderr=subprocess.DEVNULL) as running:
            try:
                wait_until(bouncer.answers)
                yield bouncer.url
            finally:
                running.terminate()


def check(**more: str) -> str:
    env = os.environ | more
    command = [sys.executable, "manage.py", "check", "--database", "default"]
    result = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stderr


def test_a_pooler_that_nobody_told_of_is_told_of_by_the_check(pooler: str) -> None:
    output = check(DATABASE_URL=pooler)
    assert "estuary.W002" in output
    assert "Set DATABASE_DIRECT_URL to PostgreSQL itself" in output


def test_one_that_was_told_of_is_not_and_neither_is_postgresql_itself(pooler: str) -> None:
    assert "W002" not in check(DATABASE_URL=pooler, DATABASE_DIRECT_URL=database_url())
    assert "W002" not in check(DATABASE_URL=database_url())
