"""The time of a statement in ``make bench-long`` ends with its answer, also where the product awaits it later."""

from collections import defaultdict

import pytest
from django.db import connection

from benchmarks.paths import timing
from estuary.common.db.transactions import pipeline

pytestmark = pytest.mark.django_db
SLEEPS = "SELECT pg_sleep(0.05)"


def test_a_statement_that_is_only_sent_is_timed_until_it_is_answered() -> None:
    took_ms: dict[str, list[float]] = defaultdict(list)
    with timing("nap", took_ms), pipeline(), connection.cursor() as one, connection.cursor() as other:
        one.execute(SLEEPS)
        other.execute("SELECT 7")
        assert other.fetchone() == (7,)
    assert took_ms[f"nap: {SLEEPS}"][0] >= 50 and took_ms["nap: SELECT 7"]
