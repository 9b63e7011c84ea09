"""The keys of what we send to Stripe: committed before they are sent, and each with one body."""

import re

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

UNCOMMITTED = "the key of a POST is committed before it is sent"
OWNERS = (
    "SELECT public_id FROM orders_order UNION ALL SELECT public_id FROM payments_refund"
    " UNION ALL SELECT key FROM payments_stripecustomer UNION ALL SELECT key FROM payments_setupintent"
    " UNION ALL SELECT house FROM payments_stripeaccount WHERE house <> ''"
)
# What a row has counted up to now; a customer's row counts under the key that it has.
COUNTED = """
    SELECT CASE WHEN %(verb)s IN ('intent', 'checkout') THEN attempt ELSE posts END
        FROM orders_order WHERE public_id = %(owner)s
    UNION ALL SELECT attempt FROM payments_refund WHERE public_id = %(owner)s
    UNION ALL SELECT 1 FROM payments_setupintent WHERE key = %(owner)s
    UNION ALL SELECT CASE WHEN %(verb)s = 'customer' THEN 1 ELSE posts END
        FROM payments_stripecustomer WHERE key = %(owner)s"""
NUMBERED = re.compile(r"(?P<owner>[a-z]+_\w{20})(?:-(?P<verb>[a-z]+))?-(?P<number>\d+)(?:-\d{14})?")


class Keys:
    """Remembers what was sent in one run, and who was ever committed as the owner of a key."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.reset()

    def reset(self) -> None:
        self._sent: dict[str, tuple[str, str]] = {}
        self._owners: set[str] = set()

    def note(self) -> None:
        """Remember who is committed as the owner of a key, at each commit."""
        self._owners |= {str(row[0]) for row in self._observer.rows(OWNERS)}

    def check(self, method: str, path: str, key: str, body: str) -> None:
        """Before a call to Stripe: a POST has a key whose owner and number are committed, and one body."""
        if method != "post":
            return
        owner = key.partition("-")[0]
        if owner not in self._owners:
            self.note()  # another's commit is seen by all before the one who made it comes to say so
        if owner not in self._owners or not self._is_counted(key):
            raise InvariantViolation(UNCOMMITTED, (path, key))
        if self._sent.setdefault(key, (path, body)) != (path, body):
            raise InvariantViolation("a key goes with one body", (key, self._sent[key], (path, body)))

    def _is_counted(self, key: str) -> bool:
        """Whether the row has counted as far; one whose key was changed meanwhile is taken at its word."""
        match = NUMBERED.fullmatch(key)
        if match is None:
            return True
        named = {"owner": match["owner"], "verb": match["verb"] or ""}
        counted = self._observer.rows_named(COUNTED, named)
        return not counted or int(match["number"]) <= counted[0][0]
