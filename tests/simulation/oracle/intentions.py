"""What buyers meant: who sent a purchase again for want of an answer is charged once."""

from collections import Counter
from typing import Any

from estuary.payments.checkout.serializers import check_request, fingerprint_of
from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

# Paid by a request that took the money itself, told from its retry by no key, and not given back; within minutes.
# Later, the same is another purchase. Neither keys nor fingerprints of an erased person are kept, nor old keys.
PAID_AGAIN = """
    SELECT user_id, request_fingerprint, array_agg(public_id) FROM (
        SELECT o.*, created_at - lag(created_at) OVER (
            PARTITION BY user_id, request_fingerprint ORDER BY created_at, id) AS gap
        FROM orders_order o
        WHERE status IN ('completed', 'partially_refunded') AND request_fingerprint <> ''
        AND (stripe_payment_method_id <> '' OR credits_applied_minor > 0)
        AND NOT EXISTS (SELECT FROM payments_idempotencykey WHERE order_id = o.id)
        AND total_minor > (SELECT coalesce(sum(card_minor + credits_minor), 0) FROM payments_refund
                           WHERE order_id = o.id AND NOT stray)) paid
    WHERE gap < interval '10 minutes'
    GROUP BY user_id, request_fingerprint"""


class Intentions:
    """Counts how often each buyer meant to buy the same, and how often that was paid."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.reset()

    def reset(self) -> None:
        self._meant: Counter[tuple[int, str]] = Counter()

    def note(self, user_id: int, body: dict[str, Any]) -> None:
        """A buyer means to buy this, once (more)."""
        self._meant[user_id, fingerprint_of(check_request(body))] += 1

    def check(self) -> None:
        for user_id, fingerprint, orders in self._observer.rows(PAID_AGAIN):
            if len(orders) >= max(self._meant[user_id, fingerprint], 1):
                raise InvariantViolation("a buyer pays once for one intention", (user_id, orders))
