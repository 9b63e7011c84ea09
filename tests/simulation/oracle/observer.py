"""Looking from outside: a database connection that sees only what is committed, and the sandbox's own books."""

from collections.abc import Iterator
from typing import Any

import psycopg

from stripe_sandbox import Sandbox
from stripe_sandbox.store import Obj, Store

ALIVE = {"requires_payment_method", "requires_action", "requires_confirmation"}

type Rows = list[tuple[Any, ...]]


class Observer:
    """Both sides as an oracle sees them."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", sandbox: Sandbox) -> None:
        self._connection, self._sandbox = connection, sandbox
        # Payments that staff took in Stripe's dashboard with an order's label: the product did not create them.
        self.taken_by_hand: set[str] = set()

    def rows(self, query: str, *values: Any) -> Rows:
        return self._connection.execute(query.encode(), values or None, prepare=True).fetchall()

    def rows_named(self, query: str, values: dict[str, Any]) -> Rows:
        return self._connection.execute(query.encode(), values, prepare=True).fetchall()

    @property
    def stripe(self) -> Store:
        return self._sandbox.state.store

    def payable(self) -> Iterator[tuple[str, str]]:
        """Yield ``(order, intent or page)`` for what we created and somebody could still pay.

        The intent of a page can be paid on that page alone.
        """
        of_pages = {page["payment_intent"] for page in self.stripe.checkout_sessions}
        for order, intent in self._open_intents():
            if intent["id"] not in of_pages | self.taken_by_hand:
                yield order, intent["id"]
        for page in self.stripe.checkout_sessions:
            if page["status"] == "open":
                yield page["metadata"]["order_id"], page["id"]

    def payable_by_hand(self) -> Iterator[tuple[str, str]]:
        """Yield ``(order, intent)`` for what was taken by hand of the order's own customer and can be paid again.

        A payment of another customer only carries a copy of the label, and is left alone.
        """
        customers: dict[str, str] = dict(self.rows("SELECT public_id, stripe_customer_id FROM orders_order"))
        for order, intent in self._open_intents():
            if intent["id"] in self.taken_by_hand and intent["customer"] == customers.get(order):
                yield order, intent["id"]

    def _open_intents(self) -> Iterator[tuple[str, Obj]]:
        for intent in self.stripe.payment_intents:
            order = order_of(intent)
            if order and intent["status"] in ALIVE:
                yield order, intent


def order_of(obj: Obj) -> str:
    """Return which order a thing at Stripe is labelled with, or nothing."""
    return str((obj["metadata"] or {}).get("order_id") or "")
