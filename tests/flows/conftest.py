"""What every flow starts from, and what must hold when it is over."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from stripe_sandbox import Sandbox
from stripe_sandbox.server import app_for
from tests.contract.recorded import assert_requests_conform
from tests.flows.invariants import assert_invariants
from tests.flows.test_endings import wait_until
from tests.marketplace import make_practitioner, make_user, signed_in


@pytest.fixture(autouse=True)
def held_to_the_invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each flow the books balance, here and at Stripe, and Stripe would have taken every request of ours."""
    if "stripe" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    sandbox: Sandbox = request.getfixturevalue("stripe")
    yield
    assert_invariants(sandbox)
    assert_requests_conform(sandbox.requests)


@pytest.fixture
def maya(transactional_db: None) -> User:
    return make_user("Maya Lindqvist")


@pytest.fixture
def buyer(maya: User) -> APIClient:
    return signed_in(maya)


@pytest.fixture
def other(transactional_db: None) -> APIClient:
    return signed_in(make_user("Tom Achterberg"))


@pytest.fixture
def staff(transactional_db: None) -> APIClient:
    return signed_in(make_user("Ines Duarte", is_staff=True))


@pytest.fixture
def ana(transactional_db: None) -> Practitioner:
    return make_practitioner("Ana Ribeiro")


@pytest.fixture
def address(stripe: Sandbox) -> Iterator[str]:
    """The very Stripe of the test, for other processes too."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app_for(stripe), log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    serving.join(timeout=30)
