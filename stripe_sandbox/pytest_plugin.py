"""The fixture ``stripe_server`` for the tests of any project: pytest finds it once the package is installed."""

from collections.abc import Iterator

import pytest

from stripe_sandbox.launch import running
from stripe_sandbox.sandbox import Sandbox


@pytest.fixture(scope="session")
def _stripe_server() -> Iterator[Sandbox]:
    """One sandbox for all tests, served on a free port of this machine."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def stripe_server(_stripe_server: Sandbox) -> Sandbox:
    """An empty Stripe; its ``url`` is the SDK's API base, and ``add_endpoint`` sends events to the test's server."""
    _stripe_server.reset()
    return _stripe_server
