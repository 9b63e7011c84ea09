"""What must hold: always, after every commit; and in the end, once the faults are over and everything had its time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg

from estuary.common import clock
from estuary.payments.doctor import SAFETY
from stripe_sandbox import Sandbox

ALIVE = {"requires_payment_method", "requires_action", "requires_confirmation"}

type Rows = list[tuple[Any, ...]]

# What a second look at Stripe must leave as it is; the turns of the sweep are no money.
LASTING = {
    "orders_order": "id, status, captured_minor, refunded_minor, stripe_payment_intent_id, stripe_checkout_session_id",
    "orders_ordertransition": "id",
    "payments_refund": "id, status, stripe_refund_id, card_minor, credits_minor",
    "payments_paymentmethod": "id, stripe_payment_method_id, is_default, detached_at",
    "credits_credittransaction": "id, amount_minor",
    "bookings_booking": "id, status, amount_minor",
    "bookings_reservation": "id, status",
    "bookings_participant": "id, active",
}

OWNERS = (
    "SELECT public_id FROM orders_order UNION ALL SELECT public_id FROM payments_refund"
    " UNION ALL SELECT key FROM payments_stripecustomer"
)


class Broken(BaseException):
    """An invariant that does not hold; ``rule`` names it, the same for every seed that breaks it.

    No Exception, so that no handler in the product takes it for a failure of its own.
    """

    def __init__(self, rule: str, evidence: object) -> None:
        super().__init__(f"{rule}: {evidence}")
        self.rule = rule


class Oracle:
    """Looks from outside, on a connection of its own: what it sees is committed."""

    def __init__(self, watch: "psycopg.Connection[tuple[Any, ...]]", sandbox: Sandbox) -> None:
        self._watch, self._sandbox = watch, sandbox
        parts = [
            f"SELECT '{rule.code}', broken::text FROM ({rule.sql}) AS broken (object, wrong)"
            for rule in SAFETY
        ]
        self._safety = " UNION ALL ".join(parts).encode()
        self.begin_anew()

    def begin_anew(self) -> None:
        self._sent: dict[str, tuple[str, str]] = {}
        self._owners: set[str] = set()

    def rows(self, query: str, *values: Any) -> Rows:
        return self._watch.execute(query.encode(), values or None, prepare=True).fetchall()

    # --- Always -------------------------------------------------------------------------------------------------

    def check_safety(self) -> None:
        """After every commit: the books balance here, and what they say of Stripe is so at Stripe."""
        for rule, evidence in self._watch.execute(self._safety, prepare=True).fetchall():
            raise Broken(rule, evidence)
        self._check_captures()
        self._check_refunds()
        self._check_one_way_to_pay()

    def _check_captures(self) -> None:
        intents = self._sandbox.world.store.payment_intents
        captured = "SELECT public_id, stripe_payment_intent_id, captured_minor, currency FROM orders_order"
        for order, intent_id, minor, currency in self.rows(captured + " WHERE captured_minor > 0"):
            there = intents.get(intent_id)
            if there is None or (there["amount_received"], there["currency"]) != (minor, currency):
                raise Broken("what we call captured is captured at Stripe", (order, minor, there))

    def _check_refunds(self) -> None:
        known = "SELECT stripe_refund_id, card_minor, stripe_payment_intent_id FROM payments_refund"
        for refund_id, minor, intent_id in self.rows(known + " WHERE stripe_refund_id <> ''"):
            there = self._sandbox.world.store.refunds.get(refund_id)
            if there is None or (there["amount"], there["payment_intent"]) != (minor, intent_id):
                raise Broken("what we call refunded is refunded at Stripe", (refund_id, minor, there))

    def _payable(self) -> Iterator[tuple[str, str]]:
        """Yield ``(order, intent or page)`` for what somebody could still pay; a page's intent has no other door."""
        store = self._sandbox.world.store
        of_pages = {page["payment_intent"] for page in store.checkout_sessions}
        for intent in store.payment_intents:
            order = (intent["metadata"] or {}).get("order_id")
            if order and intent["status"] in ALIVE and intent["id"] not in of_pages:
                yield order, intent["id"]
        for page in store.checkout_sessions:
            if page["status"] == "open":
                yield page["metadata"]["order_id"], page["id"]

    def _check_one_way_to_pay(self) -> None:
        open_ways: dict[str, list[str]] = defaultdict(list)
        for order, way in self._payable():
            open_ways[order].append(way)
        if twice := {order: ways for order, ways in open_ways.items() if len(ways) > 1}:
            raise Broken("an order has one open way to pay", twice)

    def note_keys(self) -> None:
        """Remember who was ever committed as the owner of a key, at each commit."""
        self._owners |= {str(row[0]) for row in self.rows(OWNERS)}

    def check_key(self, method: str, path: str, key: str, body: str) -> None:
        """Before a call to Stripe: a POST has a key whose owner is committed, and a key goes with one body."""
        if method != "post":
            return
        if key.partition("-")[0] not in self._owners:
            raise Broken("the key of a POST is committed before it is sent", (path, key))
        if self._sent.setdefault(key, (path, body)) != (path, body):
            raise Broken("a key goes with one body", (key, self._sent[key], (path, body)))

    # --- In the end ---------------------------------------------------------------------------------------------

    def check_liveness(self) -> None:
        """Once the faults are over and the sweep had its time: nothing is stuck, lost, or owed."""
        self._check_payments()
        self._check_open_orders()
        self._check_refunds_agree()
        self._check_queues()

    def _check_payments(self) -> None:
        """Every payment at Stripe is in our books, and fulfilled or wholly given back."""
        ours = {
            row[0]: row
            for row in self.rows("SELECT public_id, status, captured_minor, completed_at FROM orders_order")
        }
        received: dict[str, int] = defaultdict(int)
        for intent in self._sandbox.world.store.payment_intents:
            if intent["status"] == "succeeded":
                received[intent["metadata"]["order_id"]] += intent["amount_received"]
        for order, minor in received.items():
            _, status, captured, completed_at = ours[order]
            if captured != minor:
                raise Broken("captures are equal on both sides", (order, status, captured, minor))
            if completed_at is None and status != "refunded" and not self._refund_pends(order):
                raise Broken("every captured payment is fulfilled or refunded", (order, status))
        if extra := [row for row in ours.values() if row[2] and row[0] not in received]:
            raise Broken("captures are equal on both sides", extra)

    def _refund_pends(self, order: str) -> bool:
        """The bank takes its time, or has given the money back to us, which staff are told."""
        return any(
            refund["status"] in {"pending", "failed"} and (refund["metadata"] or {}).get("order_id") == order
            for refund in self._sandbox.world.store.refunds
        )

    def _check_open_orders(self) -> None:
        store = self._sandbox.world.store
        late = "SELECT public_id, status, expires_at FROM orders_order WHERE status IN ('pending', 'failed')"
        if stuck := self.rows(late + " AND expires_at < %s", clock.now() - timedelta(minutes=1)):
            raise Broken("no order is stuck", stuck)
        ended = {row[0] for row in self.rows("SELECT public_id FROM orders_order WHERE status = 'canceled'")}
        if alive := [way for order, way in self._payable() if order in ended]:
            raise Broken("an ended order can't be paid at Stripe", alive)
        processing = self.rows(
            "SELECT public_id, stripe_payment_intent_id, stripe_checkout_session_id"
            " FROM orders_order WHERE status = 'processing'"
        )
        for order, intent_id, session_id in processing:
            intent_id = intent_id or (store.checkout_sessions.get(session_id) or {}).get("payment_intent")
            intent = store.payment_intents.get(intent_id or "")
            if intent is None or intent["status"] != "processing":
                raise Broken(
                    "an order is processing only while its bank is", (order, intent and intent["status"])
                )

    def _check_refunds_agree(self) -> None:
        ours: dict[str, str] = dict(
            self.rows("SELECT stripe_refund_id, status FROM payments_refund WHERE stripe_refund_id <> ''")
        )
        there = {r["id"]: r["status"] for r in self._sandbox.world.store.refunds}
        differs = {key: (ours.get(key), status) for key, status in there.items() if ours.get(key) != status}
        if differs:
            raise Broken("refunds are equal on both sides", differs)
        unsent = "SELECT r.public_id FROM payments_refund r JOIN orders_order o ON o.id = r.order_id"
        if left := self.rows(unsent + " WHERE r.status = 'requested' AND NOT o.disputed"):
            raise Broken("no refund is left unsent", left)

    def _check_queues(self) -> None:
        known = "SELECT stripe_event_id, type, status, error FROM payments_webhookevent"
        old = " WHERE status = 'dead' OR (status = 'pending' AND received_at < %s)"
        if left := self.rows(known + old, clock.now() - timedelta(minutes=3)):
            raise Broken("the inbox is empty", left)
        if jobs := self.rows("SELECT task_name, args, status FROM procrastinate_jobs WHERE attempts > 0"):
            raise Broken("no job is left", jobs)

    def picture(self) -> dict[str, Rows]:
        """Everything that a second reconcile must leave alone."""
        return {
            table: self.rows(f"SELECT {columns} FROM {table} ORDER BY id")
            for table, columns in LASTING.items()
        }
