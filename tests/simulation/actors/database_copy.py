"""A copy of the database with the same key at Stripe: for an hour its worker does all that a worker does by itself.

The story's own database plays the copy, and goes on as the shop afterwards: what a copy settles here, the shop would
have settled too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.test import override_settings

from estuary.payments import client as stripe_client
from tests.simulation.oracle import Broken

if TYPE_CHECKING:
    from tests.simulation.harness import Stage

COPY_HOME = "https://staging.estuary.example"
A_COPY_LOOKS_FOR_S = 3600.0


@contextmanager
def as_copy(stage: "Stage", kind: str) -> Iterator[bool]:
    """Run as a copy: at another address, or behind what another database has counted at Stripe meanwhile."""
    owner = stage.sandbox.state.store.products.get("estuary_owner")
    if owner is None:  # nothing was ever sent, so nobody owns anything
        yield False
        return
    stage.story.tell(f"a copy of the database, {kind}, is started with the same key")
    before, label = _writes(stage), dict(owner["metadata"])
    if kind == "restored":
        owner["metadata"] = label | {"count": str(int(label["count"]) + 1), "mark": "of another database"}
    home = COPY_HOME if kind == "another home" else settings.FRONTEND_URL
    with override_settings(FRONTEND_URL=home):
        stripe_client._ownership_guard.cache_clear()
        yield True
    sent = _writes(stage)[len(before) :]
    if sent:
        raise Broken("a copy writes nothing at Stripe", (kind, sent))
    owner["metadata"] = label
    stripe_client._ownership_guard.cache_clear()
    stage.story.tell("the copy is gone, and the shop goes on")


def _writes(stage: "Stage") -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in stage.sandbox.requests if sent.method != "GET"]
