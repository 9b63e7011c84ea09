"""What every flow starts from, and what must hold when it is over."""

from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from stripe_sandbox import Sandbox
from stripe_sandbox.launch import serving
from stripe_sandbox.server import app_for
from tests.contract.recorded import assert_requests_conform
from tests.factories import REFUNDING, make_practitioner, make_staff, make_user, signed_in
from tests.flows.invariants import assert_invariants
from tests.servers import listening


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
    return signed_in(make_staff("Ines Duarte", *REFUNDING))


@pytest.fixture
def ana(transactional_db: None) -> Practitioner:
    return make_practitioner("Ana Ribeiro")


@pytest.fixture
def address(stripe: Sandbox) -> Iterator[str]:
    """The very Stripe of the test, for other processes too."""
    listener, url = listening()
    with serving(app_for(stripe), listener):
        yield url
