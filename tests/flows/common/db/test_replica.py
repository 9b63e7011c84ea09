"""What a real streaming replica answers, what it does not, and what becomes of it while it lags or is away."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.db import replica
from estuary.common.db import replica_lag as lag
from estuary.common.observability.metrics import REGISTRY
from estuary.config.database import replica_settings
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.payments.gateway.test_real_mode import database_url
from tests.servers import wait_until
from tests.standby import Standby

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", replica.REPLICA])

SERVICES = "/api/v1/services/"
NO_LIMIT_S, SHORT_S = 60.0, 1.0


@pytest.fixture(scope="module", autouse=True)
def standby(django_db_setup: None) -> Iterator[Standby]:
    """A replica of the tests' own PostgreSQL, and Django's connections to it."""
    folder = Path(tempfile.mkdtemp(prefix="estuary-standby-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user, who has to get through
    server = Standby(database_url(), folder / "data")
    try:
        server.start()
        with among_the_connections(server.url):
            yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "MAX_LAG_S", SHORT_S)


@pytest.fixture
def follows(standby: Standby, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standby]:
    """The product has the replica and looks after it; how far it may lag does not matter, unless the test says so."""
    if lag.MAX_LAG_S != SHORT_S:
        monkeypatch.setattr(lag, "MAX_LAG_S", NO_LIMIT_S)
    monkeypatch.setattr(lag, "POLL_INTERVAL_S", 0.05)
    settings.DATABASE_REPLICA_URL = standby.url
    settings.DATABASE_ROUTERS = ["estuary.common.db.replica.ReplicaRouter"]
    watch = lag.ReplicaMonitor()
    monkeypatch.setattr(replica, "_monitor", watch)
    watch.start()
    wait_until(lambda: not watch.is_behind)
    yield standby
    watch.stop()


@contextmanager
def among_the_connections(url: str) -> Iterator[None]:
    own = replica_settings(url, pool_size=2)
    databases = connections.configure_settings({"default": {}, replica.REPLICA: own})
    connections.settings[replica.REPLICA] = databases[replica.REPLICA]
    try:
        yield
    finally:
        ours = cast(DatabaseWrapper, connections[replica.REPLICA])
        ours.close()
        cast(Any, ours).close_pool()
        del connections[replica.REPLICA], connections.settings[replica.REPLICA]


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    return make_service(ServiceType.WORKSHOP, ana, name="Clay")


@pytest.fixture
def meeting(workshop: Service) -> ServiceSession:
    return make_sessions(workshop, capacity=1)[0]


@contextmanager
def nothing_replayed(standby: Standby) -> Iterator[None]:
    """Have the replica stay where it is, with all that was written until now."""
    with psycopg.connect(standby.url, autocommit=True) as server:
        caught_up(server)
        server.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: one(server, "SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            server.execute("SELECT pg_wal_replay_resume()")


def caught_up(server: "psycopg.Connection[Any]") -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        [written] = cursor.fetchone()
    wait_until(lambda: one(server, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written) is True)


def one(server: "psycopg.Connection[Any]", statement: str, *values: Any) -> Any:
    row = server.execute(statement, values or None).fetchone()
    return row[0] if row else None


def outcomes() -> dict[str, float]:
    names = ("answered", "writer", "behind", "missing", "failed")
    return {
        name: REGISTRY.get_sample_value("estuary_replica_reads_total", {"outcome": name}) or 0
        for name in names
    }


@contextmanager
def reads(**expected: int) -> Iterator[None]:
    """Say which became of the reads of the block, and that there were no others."""
    before = outcomes()
    yield
    differences = {name: count - before[name] for name, count in outcomes().items()}
    assert {name: count for name, count in differences.items() if count} == expected


def seats_left(client: APIClient, workshop: Service) -> list[int]:
    answer = client.get(f"{SERVICES}{workshop.pk}/sessions/")
    assert answer.status_code == 200, answer.content
    return [shown["seats_left"] for shown in answer.json()["results"]]


def name_of(service: Service) -> str:
    answer = APIClient().get(f"{SERVICES}{service.pk}/")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["name"])


def test_the_catalogue_may_be_old_and_what_is_sold_never_is(
    stripe: Sandbox, follows: Standby, buyer: APIClient, other: APIClient, meeting: ServiceSession
) -> None:
    workshop, looker = meeting.service, APIClient()
    with nothing_replayed(follows), reads(answered=1, writer=1):
        with CaptureQueriesContext(connections[replica.REPLICA]) as replica_queries:
            order = buying.service(buyer, workshop, service_session_id=str(meeting.pk))
            buying.pay(stripe, order)
            assert buying.detail(buyer, order)["status"] == "completed"
            assert len(buying.bookings(buyer)) == 1
        assert not replica_queries.captured_queries
        assert seats_left(looker, workshop) == [1]
        assert seats_left(buyer, workshop) == [0]
        again = {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(meeting.pk)}}
        buying.refused(other, 409, "sold_out", **again)
    wait_until(lambda: seats_left(looker, workshop) == [0])


def test_every_read_of_the_catalogue_is_the_replicas(
    follows: Standby, ana: Practitioner, meeting: ServiceSession
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    with nothing_replayed(follows), reads(answered=4), CaptureQueriesContext(connection) as primary_queries:
        for path in ("", f"{session.pk}/", f"{session.pk}/slots/", f"{meeting.service_id}/sessions/"):
            assert APIClient().get(SERVICES + path).status_code == 200
    assert not primary_queries.captured_queries


def test_who_has_just_written_reads_the_primary_for_as_long_as_the_replica_may_lag(
    follows: Standby, buyer: APIClient
) -> None:
    answer = buyer.post(buying.CREATE, {})
    assert answer.status_code == 400
    cookie = answer.cookies[replica.STICKY_COOKIE]
    assert cookie["max-age"] > 5.0  # LAG_S, which the fixture has changed
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert replica.STICKY_COOKIE not in APIClient().get(SERVICES).cookies


def test_what_the_replica_does_not_know_yet_is_there_all_the_same(
    follows: Standby, ana: Practitioner
) -> None:
    with nothing_replayed(follows), reads(missing=1):
        assert name_of(make_service(ServiceType.SESSION, ana, name="New")) == "New"


def test_a_replica_that_lags_is_left_alone_until_it_has_caught_up(
    short_patience: None, follows: Standby, workshop: Service
) -> None:
    with nothing_replayed(follows):
        Service.objects.update(name="Stone")
        wait_until(lambda: replica._monitor.is_behind, seconds=SHORT_S * 3)
        with reads(behind=1):
            assert name_of(workshop) == "Stone"
    wait_until(lambda: not replica._monitor.is_behind)
    with reads(answered=1):
        assert name_of(workshop) == "Stone"


def test_a_replica_that_dies_is_noticed_by_nobody_and_used_again_when_it_is_back(
    follows: Standby, workshop: Service
) -> None:
    with psycopg.connect(follows.url) as server:
        caught_up(server)
    with reads(answered=1):
        assert name_of(workshop) == "Clay"
    follows.crash()
    began = time.monotonic()
    with reads(failed=1, behind=2):
        assert [name_of(workshop) for _ in range(3)] == ["Clay"] * 3
    assert time.monotonic() - began < 3
    follows.start()
    wait_until(lambda: not replica._monitor.is_behind)
    wait_until(answered_by_the_replica(workshop), seconds=10)


def answered_by_the_replica(workshop: Service) -> Any:
    def look() -> bool:
        before = outcomes()["answered"]
        name_of(workshop)
        return outcomes()["answered"] > before

    return look


def test_a_primary_that_is_taken_for_a_replica_is_never_asked(
    short_patience: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "POLL_INTERVAL_S", 0.05)
    settings.DATABASE_REPLICA_URL = settings.DATABASE_URL
    watch = lag.ReplicaMonitor()
    watch.start()
    time.sleep(0.5)
    assert watch.is_behind
    watch.stop()
