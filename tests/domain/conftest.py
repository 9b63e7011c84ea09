"""The environment in which the tests of settings start."""

import pytest

from estuary.config.environment import Environment


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing of ours is set."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", raising=False)
    return monkeypatch
