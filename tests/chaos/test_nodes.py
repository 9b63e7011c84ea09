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
from demo.selfcheck.scenario import STORY
from demo.selfcheck.shop import Shop, open_shop
from demo.servers import PYTHON
from demo.system import find
from estuary.config.environment import BASE_DIR, SANDBOX_DEFAULTS
from tests.chaos.deployment import House, Shape
from tests.chaos.final_checks import ask_the_doctor
from tests.servers import wait_until

NODES = 3
RENAME, RENAMED = (
    "UPDATE catalog_service SET name = 'Renamed' WHERE id = %s RETURNING name",
    ["Renamed"] * NODES,
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="estuary-nodes-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user, who has to get through
    shape = Shape(bouncer=pgbouncer_is_here(), replica=True, nodes=NODES)
    house = House(plan_for_smoke(folder / "run"), shape)
    try:
        house.open()
        subprocess.run([PYTHON, "manage.py", "seed"], env=house.env, cwd=BASE_DIR, check=True)
        house.begin()
        yield house
    finally:
        house.close()
        shutil.rmtree(folder, ignore_errors=True)


def pgbouncer_is_here() -> bool:
    try:
        return bool(find("pgbouncer", "There is no PgBouncer here."))
    except CannotStart:
        return False


@pytest.fixture(scope="module")
def shop(house: House) -> Shop:
    """The shop as its visitors have it, each of whose requests comes to another node."""
    shop = open_shop(house.plan.web_url, house.plan.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    shop.estuary.http.headers["Connection"] = "close"
    return shop


def test_one_of_everything_is_bought_with_each_request_at_another_node(house: House, shop: Shop) -> None:
    for _, happens in STORY:
        if happens is not hold_expires:  # which takes a while, and is shown by the demo
            assert not happens(shop).failed
    assert money_agrees(shop)
    requests = house.balancer.led_to.values()
    assert len(requests) == NODES
    assert min(requests) > 20
    assert max(requests) - min(requests) <= 1
    assert of(house.env["DATABASE_URL"], "SELECT count(*) FROM procrastinate_workers") == NODES


def test_each_node_shows_the_catalogue_of_the_replica_and_none_needs_it(house: House, shop: Shop) -> None:
    assert house.replica
    replica_url, service_id = house.replica.url, shop.service("private-yoga")["id"]
    before = names(house, service_id)
    assert before != RENAMED
    with psycopg.connect(replica_url, autocommit=True) as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: of(replica_url, "SELECT pg_get_wal_replay_pause_state()") == "paused")
        of(house.env["DATABASE_URL"], RENAME, service_id)
        assert names(house, service_id) == before
        wait_until(lambda: names(house, service_id) == RENAMED)  # it lags, and is left alone
    house.kill("replica", down_s=0)
    assert names(house, service_id) == RENAMED
    shop.pay(shop.begin("more", "maya", is_credit_purchase=True, amount="20.00", payment_type="intent"))


def test_the_doctor_finds_nothing(house: House) -> None:
    healthy, told = ask_the_doctor(house.env)
    assert healthy, told
    assert not house.ended_alone


def names(house: House, service_id: str) -> list[str]:
    """Return what each node calls a service."""
    addresses = [f"http://127.0.0.1:{port}/api/v1/services/{service_id}/" for port in house.ports]
    return [httpx.get(address, trust_env=False, timeout=10).json()["name"] for address in addresses]


def of(url: str, statement: LiteralString, *values: Any) -> Any:
    with psycopg.connect(url) as database:
        row = database.execute(statement, values or None).fetchone()
        assert row
        return row[0]
