"""The roles of production: they do all that the shop does, and can't rewrite what has been written."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from estuary.common.postgresql.rights import REDACTED_BY_WORKER, ROLES, WORKER
from estuary.common.postgresql.timeouts import WEB_LIMITS
from estuary.config.environment import BASE_DIR
from estuary.privacy.personal_data import PERSONAL
from tests.cluster import SUPERUSER, Cluster
from tests.flows.payments.gateway.test_real_mode import database_url

ROLES_SQL = BASE_DIR / "deploy" / "postgres" / "roles.sql"
PASSWORDS = dict.fromkeys(("POSTGRES_PASSWORD", "DB_WEB_PASSWORD", "DB_WORKER_PASSWORD"), "x")
REWRITES = [
    "UPDATE {table} SET id = id",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "DROP TABLE {table} CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE estuary_owner",
    "CREATE TABLE mine (id int)",
    "DELETE FROM orders_order",
    "UPDATE django_migrations SET name = name",
]
APPEND_ONLY = ["credits_credittransaction", "django_admin_log", "documents_receipt", "documents_creditnote"]


@pytest.fixture(scope="module")
def cluster(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A server with the roles of production, migrated by the owner, with the web server's rights and the worker's."""
    with django_db_blocker.unblock():
        neighbour = database_url()
    cluster = Cluster(neighbour, Path("/tmp") / f"estuary-roles-{os.getpid()}")  # noqa: S108 its user must reach it
    cluster.start()
    try:
        cluster.psql("postgres", "-c", "CREATE DATABASE estuary")
        cluster.psql("estuary", "-f", str(ROLES_SQL), **PASSWORDS)
        manage(cluster.url("estuary_owner"), "migrate", "--verbosity", "0")
        yield cluster
    finally:
        cluster.stop()
        cluster.remove()


def manage(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(url, "manage.py", *arguments, **more)


def run(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "estuary.config.settings",
        "ESTUARY_ALLOWED_HOSTS": "testserver",
        **more,
    }
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_sells_settles_cancels_and_refunds_and_rewrites_no_history(
    cluster: Cluster, role: str
) -> None:
    scenarios = ["worker"] if role == WORKER else []
    assert "played" in run(cluster.url(role), "-m", "tests.flows.role_scenarios", *scenarios).stdout
    with psycopg.connect(cluster.url(role), autocommit=True) as session:
        for table in APPEND_ONLY:
            for rewrite in REWRITES:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(rewrite.format(table=table))


def test_the_worker_may_empty_the_texts_that_an_erasure_empties_and_no_other_column_of_history() -> None:
    erased = {table: tuple(PERSONAL[table].erase) for table in APPEND_ONLY}
    assert erased == REDACTED_BY_WORKER


def test_the_web_server_s_role_has_its_limits_and_the_others_have_none(cluster: Cluster) -> None:
    for role in (*ROLES, "estuary_owner"):
        with psycopg.connect(cluster.url(role)) as session:
            limits = {name: session.execute(f"SHOW {name}").fetchone()[0] for name in WEB_LIMITS}  # type: ignore[index]
        assert limits == (WEB_LIMITS if role == "estuary_web" else dict.fromkeys(WEB_LIMITS, "0"))


PRODUCTION = {
    "ESTUARY_SANDBOX": "0",
    "STRIPE_SECRET_KEY": "sk_live_0123456789abcdef",
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    "FRONTEND_URL": "https://estuary.example",
}


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize(
    ("role", "warnings"),
    [(SUPERUSER, {"W008"}), ("estuary_owner", {"W008"}), ("estuary_web", set())],
)
def test_the_check_warns_of_a_role_that_no_trigger_binds(
    cluster: Cluster, role: str, warnings: set[str]
) -> None:
    output = manage(cluster.url(role), "check", "--deploy", "--database", "default", **PRODUCTION).stderr
    assert set(re.findall(r"estuary\.(W008|W009)", output)) == warnings


def test_the_check_warns_of_a_pooler_s_role_without_limits(cluster: Cluster) -> None:
    for role, warnings in (("estuary_web", []), ("estuary_worker", ["W009"])):
        url = cluster.url(role)
        output = manage(
            url,
            "check",
            "--deploy",
            "--database",
            "default",
            **PRODUCTION,
            DATABASE_DIRECT_URL=f"{url}&application_name=direct",
        ).stderr
        assert re.findall(r"estuary\.(W009)", output) == warnings
