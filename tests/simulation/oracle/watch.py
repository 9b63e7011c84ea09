"""Looking from outside: a database connection that sees only what is committed, and the sandbox's own books."""

from collections.abc import Iterator
from typing import Any

import psycopg

from stripe_sandbox import Sandbox
from stripe_sandbox.store import Obj, Store

ALIVE = {"requires_payment_method", "requires_action", "requires_confirmation"}

type Rows = list[tuple[Any, ...]]


class Watch:
    """Both sides as an oracle sees them."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", sandbox: Sandbox) -> None:
        self._connection, self._sandbox = connection, sandbox

    def rows(self, query: str, *values: Any) -> Rows:
        return self._connection.execute(query.encode(), values or None, prepare=True).fetchall()

    def rows_named(self, query: str, values: dict[str, Any]) -> Rows:
        return self._connection.execute(query.encode(), values, prepare=True).fetchall()

    @property
    def stripe(self) -> Store:
        return self._sandbox.state.store

    def payable(self) -> Iterator[tuple[str, str]]:
        """Yield ``(order, intent or page)`` for what somebody could still pay; a page's intent has no other door."""
        of_pages = {page["payment_intent"] for page in self.stripe.checkout_sessions}
        for intent in self.stripe.payment_intents:
            order = order_of(intent)
            if order and intent["status"] in ALIVE and intent["id"] not in of_pages:
                yield order, intent["id"]
        for page in self.stripe.checkout_sessions:
            if page["status"] == "open":
                yield page["metadata"]["order_id"], page["id"]


def order_of(obj: Obj) -> str:
    """Return which order a thing at Stripe is labelled with, or nothing."""
    return str((obj["metadata"] or {}).get("order_id") or "")
