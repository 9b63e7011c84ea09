"""Three nodes, each a web server with its own port and a worker, and one PostgreSQL with a replica and a PgBouncer."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from demo.plan import CannotStart, plan_for_smoke
from demo.selfcheck.holds import hold_expires
from demo.selfcheck.money import money_agrees
from demo.selfcheck.scenario import STEPS
from demo.selfcheck.shop import Shop, open_shop
from demo.servers import PYTHON
from demo.system import find
from estuary.config.environment import BASE_DIR, SANDBOX_DEFAULTS
from tests.chaos.deployment import Deployment, Shape
from tests.chaos.final_checks import ask_the_doctor
from tests.servers import wait_until

pytestmark = pytest.mark.exhaustive

NODES = 3
RENAME, RENAMED = (
    "UPDATE catalog_service SET name = 'Renamed' WHERE id = %s RETURNING name",
    ["Renamed"] * NODES,
)


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    folder = Path(tempfile.mkdtemp(prefix="estuary-nodes-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user, who has to get through
    shape = Shape(bouncer=pgbouncer_is_here(), replica=True, nodes=NODES)
    deployment = Deployment(plan_for_smoke(folder / "run"), shape)
    try:
        deployment.open()
        subprocess.run([PYTHON, "manage.py", "seed"], env=deployment.env, cwd=BASE_DIR, check=True)
        deployment.begin()
        yield deployment
    finally:
        deployment.close()
        shutil.rmtree(folder, ignore_errors=True)


def pgbouncer_is_here() -> bool:
    try:
        return bool(find("pgbouncer", "There is no PgBouncer here."))
    except CannotStart:
        return False


@pytest.fixture(scope="module")
def shop(deployment: Deployment) -> Shop:
    """The shop as its visitors have it, each of whose requests comes to another node."""
    shop = open_shop(
        deployment.plan.web_url, deployment.plan.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"]
    )
    shop.estuary.http.headers["Connection"] = "close"
    return shop


def test_one_of_everything_is_bought_with_each_request_at_another_node(
    deployment: Deployment, shop: Shop
) -> None:
    for _, happens in STEPS:
        if happens is not hold_expires:  # which takes a while, and is shown by the demo
            assert not happens(shop).failed
    assert money_agrees(shop)
    requests = deployment.balancer.led_to.values()
    assert len(requests) == NODES
    assert min(requests) > 20
    assert max(requests) - min(requests) <= 1
    assert of(deployment.env["DATABASE_URL"], "SELECT count(*) FROM procrastinate_workers") == NODES


def test_each_node_shows_the_catalogue_of_the_replica_and_none_needs_it(
    deployment: Deployment, shop: Shop
) -> None:
    assert deployment.replica
    replica_url, service_id = deployment.replica.url, shop.service("private-yoga")["id"]
    before = names(deployment, service_id)
    assert before != RENAMED
    with psycopg.connect(replica_url, autocommit=True) as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: of(replica_url, "SELECT pg_get_wal_replay_pause_state()") == "paused")
        of(deployment.env["DATABASE_URL"], RENAME, service_id)
        assert names(deployment, service_id) == before
        wait_until(lambda: names(deployment, service_id) == RENAMED)  # it lags, and is left alone
    deployment.kill("replica", down_s=0)
    assert names(deployment, service_id) == RENAMED
    shop.pay(shop.begin("more", "maya", is_credit_purchase=True, amount="20.00", payment_type="intent"))


def test_the_doctor_finds_nothing(deployment: Deployment) -> None:
    healthy, verdict = ask_the_doctor(deployment.env)
    assert healthy, verdict
    assert not deployment.ended_alone


def names(deployment: Deployment, service_id: str) -> list[str]:
    """Return what each node calls a service."""
    addresses = [f"http://127.0.0.1:{port}/api/v1/services/{service_id}/" for port in deployment.ports]
    return [httpx.get(address, trust_env=False, timeout=10).json()["name"] for address in addresses]


def of(url: str, statement: LiteralString, *values: Any) -> Any:
    with psycopg.connect(url) as database:
        row = database.execute(statement, values or None).fetchone()
        assert row
        return row[0]
