"""What was promised: each 2xx names something that must be there when all is over, whoever was killed right after."""

import re
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import psycopg

type Json = dict[str, Any]
type Promise = tuple[str, ...]

# Each finds the promises that were not kept; a promise is a row of text columns.
BROKEN: dict[str, tuple[int, LiteralString]] = {
    # A status that somebody was told is in the order's history, whatever became of it later.
    "order": (
        4,
        """SELECT told.*
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS told (email, name, status, total)
           WHERE NOT EXISTS (
               SELECT FROM orders_order o JOIN accounts_user u ON u.id = o.user_id
               JOIN orders_ordertransition t ON t.order_id = o.id
               WHERE o.public_id = told.name AND u.email = told.email AND t.after = told.status
                 AND told.total IN ('', o.total_minor::text))""",
    ),
    "refund": (
        3,
        """SELECT told.* FROM unnest(%s::text[], %s::text[], %s::text[]) AS told (name, order_name, amount)
           WHERE NOT EXISTS (
               SELECT FROM payments_refund r JOIN orders_order o ON o.id = r.order_id
               WHERE r.public_id = told.name AND o.public_id = told.order_name
                 AND (r.card_minor + r.credits_minor)::text = told.amount)""",
    ),
    "refund that has succeeded": (
        1,
        """SELECT told.* FROM unnest(%s::text[]) AS told (name)
           WHERE NOT EXISTS (SELECT FROM payments_refund r
                             WHERE r.public_id = told.name AND r.status IN ('succeeded', 'failed'))""",
    ),
    "canceled booking": (
        1,
        """SELECT told.* FROM unnest(%s::text[]) AS told (name)
           WHERE NOT EXISTS (SELECT FROM bookings_booking b WHERE b.id::text = told.name AND b.status = 'canceled')""",
    ),
    "event": (
        1,
        """SELECT told.* FROM unnest(%s::text[]) AS told (name)
           WHERE NOT EXISTS (SELECT FROM payments_webhookevent e WHERE e.stripe_event_id = told.name)""",
    ),
}
TAKEN = re.compile(r"webhook \S+ (evt_\w+) -> 2\d\d\b")
SHOWN = 5


class Promises:
    """Filled by many threads while processes die, and held against the database in the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._promises: dict[str, set[Promise]] = {what: set() for what in BROKEN}

    def order(self, email: str, answer: Json) -> None:
        """Take down what a 2xx said of an order, and its total where it did."""
        total = str(_minor(answer["amount"])) if "amount" in answer else ""
        self._promise("order", email, answer["order_id"], answer["status"], total)

    def refund(self, answer: Json) -> None:
        self._promise("refund", answer["refund_id"], answer["order_id"], str(_minor(answer["amount"])))
        if answer["status"] == "succeeded":
            self._promise("refund that has succeeded", answer["refund_id"])

    def canceled_booking(self, answer: Json) -> None:
        self._promise("canceled booking", answer["booking_id"])
        if answer["refund"]:
            self.refund(answer["refund"])

    def events_in(self, log: Path) -> None:
        """Take down which events Stripe got a 2xx for, by its log."""
        for event_id in TAKEN.findall(log.read_text(errors="replace")):
            self._promise("event", event_id)

    def _promise(self, what: str, *named: str) -> None:
        with self._lock:
            self._promises[what].add(named)

    @property
    def counts(self) -> dict[str, int]:
        return {what: len(named) for what, named in self._promises.items()}

    def broken(self, url: str) -> list[str]:
        """Return in words what was promised and is not so."""
        problems = []
        with psycopg.connect(url) as database:
            for what, (width, query) in BROKEN.items():
                columns = [list(column) for column in zip(*sorted(self._promises[what]), strict=True)]
                rows = database.execute(query, columns or [[]] * width).fetchall()
                if rows:
                    shown = "; ".join(" ".join(row) for row in rows[:SHOWN])
                    problems.append(f"{len(rows)} promises of {_article(what)} {what} were not kept: {shown}")
        return problems


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _minor(amount: str) -> int:
    """Return an amount in dollars in cents."""
    return int(Decimal(amount) * 100)
