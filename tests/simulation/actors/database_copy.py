"""A copy of the database with the same key at Stripe: for an hour its worker does all that a worker does by itself.

The scenario's own database plays the copy, and goes on as the shop afterwards: what a copy settles here, the shop would
have settled too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.test import override_settings

from estuary.payments import client as stripe_client
from tests.simulation.oracle import InvariantViolation

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

COPY_HOME = "https://staging.estuary.example"
A_COPY_LOOKS_FOR_S = 3600.0


@contextmanager
def as_copy(harness: "Harness", kind: str, *, first_read_fails: bool) -> Iterator[bool]:
    """Run as a copy: at another address, or behind what another database has counted at Stripe meanwhile.

    With ``first_read_fails`` Stripe fails once to say who the owner is.
    """
    owner = harness.sandbox.state.store.products.get("estuary_owner")
    if owner is None:  # nothing was ever sent, so nobody owns anything
        yield False
        return
    harness.run_log.add(f"a copy of the database, {kind}, is started with the same key")
    before, label = _writes(harness), dict(owner["metadata"])
    if kind == "restored":
        owner["metadata"] = label | {"count": str(int(label["count"]) + 1), "mark": "of another database"}
    home = COPY_HOME if kind == "another home" else settings.FRONTEND_URL
    with override_settings(FRONTEND_URL=home):
        stripe_client._ownership_guard.cache_clear()
        if first_read_fails:
            harness.faults.add("error_before", "GET /v1/products/*", times=1)
        yield True
    harness.faults.clear()
    sent = _writes(harness)[len(before) :]
    if sent:
        raise InvariantViolation("a copy writes nothing at Stripe", (kind, sent))
    owner["metadata"] = label
    stripe_client._ownership_guard.cache_clear()
    harness.run_log.add("the copy is gone, and the shop goes on")


def _writes(harness: "Harness") -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in harness.sandbox.requests if sent.method != "GET"]
