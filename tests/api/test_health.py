"""What a balancer and a container ask: alive, ready, and whether the worker works."""

import logging
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from estuary.common import clock
from estuary.config import health
from estuary.payments.models import SyncCursor
from tests.api.test_unavailable import no_connection_left

BY_ADDRESS = {"Host": "10.1.2.3:8000"}  # as a probe asks, which knows no name


def ask(path: str) -> Any:
    return Client().get(path, headers=BY_ADDRESS)


def test_the_process_says_that_it_is_alive_without_asking_the_database() -> None:
    answer = ask("/healthz")  # no fixture lets this test at the database
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"alive\n", "no-store")


@pytest.mark.django_db(transaction=True)
def test_neither_question_is_sent_on_to_https_or_asks_for_a_known_host(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert [ask(path).status_code for path in ("/healthz", "/readyz", "/")] == [200, 200, 400]


def test_only_what_reads_is_let_ask() -> None:
    assert Client().post("/healthz").status_code == 405
    assert Client().head("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_it_is_ready_when_the_database_has_every_table_with_no_query_of_a_buyer_s_connection(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(0):
        assert ask("/readyz").content == b"ready\n"


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_while_a_migration_of_this_version_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = health._last_migrations()
    monkeypatch.setattr(health, "_last_migrations", lambda: there | {("payments", "9999_to_come")})
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "manage.py migrate" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_in_an_empty_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    try:
        assert ask("/readyz").json()["code"] == "not_ready"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO django_migrations")
    assert ask("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_it_is_ready_while_requests_have_every_connection_of_the_pool() -> None:
    with no_connection_left():
        assert ask("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_it_is_alive_but_not_ready_while_the_database_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health.readiness.close()
    with monkeypatch.context() as patch:
        patch.setattr(psycopg, "connect", Mock(side_effect=psycopg.OperationalError("nobody there")))
        answer = ask("/readyz")
        assert ask("/healthz").status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert ask("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_it_is_ready_again_at_once_when_its_own_connection_has_died() -> None:
    assert ask("/readyz").status_code == 200
    own = health.readiness._connection
    assert own
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [own.info.backend_pid])
    assert ask("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_questions_leave_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert (ask("/healthz").status_code, ask("/readyz").status_code) == (200, 200)
        assert caplog.records == []
        Client().get("/api/v1/payments/config/")
        assert caplog.records


def looked_through(name: str, *, ago: timedelta) -> None:
    SyncCursor.objects.update_or_create(name=name, defaults={"looked_until": clock.now() - ago})


@pytest.mark.django_db
def test_the_worker_s_check_passes_while_it_looks_through_stripe_s_lists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("refunds", "payments"):
        looked_through(name, ago=timedelta(minutes=6))
    call_command("worker", "--check")
    assert "working" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_worker_s_check_fails_when_it_has_been_silent(django_assert_max_num_queries: Any) -> None:
    looked_through("refunds", ago=timedelta(minutes=6))
    looked_through("payments", ago=timedelta(minutes=16))
    with (
        pytest.raises(CommandError, match="list of payments, looked through until") as failed,
        django_assert_max_num_queries(5),
    ):
        call_command("worker", "--check")
    assert failed.value.returncode == 1
    assert "refunds" not in str(failed.value)


@pytest.mark.django_db(transaction=True)
def test_the_worker_s_check_fails_while_the_database_does_not_answer() -> None:
    with no_connection_left(), pytest.raises(CommandError, match="can't be asked"):
        call_command("worker", "--check")
