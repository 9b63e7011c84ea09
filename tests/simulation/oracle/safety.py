"""Safety: what must hold after each commit, here and with Stripe."""

from collections import defaultdict

from estuary.payments.doctor import SAFETY
from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

MOST_HOLDS = (2, 4)  # orders that hold something unpaid, of a newcomer and of who has paid before
OF_ONE_ADDRESS = 2 * MOST_HOLDS[0]

# What the doctor does not ask, since on a live database it may be so for a moment, or is a constraint's to keep.
OURS = {
    "no more is asked back than was paid": """
        SELECT o.public_id, asked.card || ' of ' || o.captured_minor || ' by card, '
               || asked.credits || ' of ' || o.credits_applied_minor || ' in credits'
        FROM (SELECT order_id, sum(card_minor) AS card, sum(credits_minor) AS credits FROM payments_refund
              WHERE NOT stray AND origin <> 'dashboard' AND status IN ('requested', 'pending', 'succeeded')
              GROUP BY order_id) asked
        JOIN orders_order o ON o.id = asked.order_id
        WHERE asked.card > o.captured_minor OR asked.credits > o.credits_applied_minor""",
    "an effect is written once": """
        SELECT 'order ' || order_id, effect FROM credits_credittransaction WHERE order_id IS NOT NULL
        GROUP BY order_id, effect HAVING count(*) > 1
        UNION ALL
        SELECT 'order ' || order_id, 'booking ' || position FROM bookings_booking
        GROUP BY order_id, position HAVING count(*) > 1
        UNION ALL
        SELECT 'session ' || session_id, 'seats of user ' || user_id FROM bookings_participant WHERE active
        GROUP BY session_id, user_id HAVING count(*) > 1""",
    "nobody holds more than they may": f"""
        SELECT 'user ' || hold.user_id, count(*) || ' orders' FROM payments_hold hold
        JOIN orders_order placed ON placed.id = hold.order_id
        WHERE placed.status IN ('pending', 'failed', 'processing') GROUP BY hold.user_id
        HAVING count(*) > {MOST_HOLDS[1]}
            OR count(*) FILTER (WHERE hold.newcomer AND placed.status <> 'processing') > {MOST_HOLDS[0]}
        UNION ALL
        SELECT 'address ' || hold.address, count(*) || ' orders' FROM payments_hold hold
        JOIN orders_order placed ON placed.id = hold.order_id
        WHERE placed.status IN ('pending', 'failed', 'processing') AND hold.newcomer AND hold.address <> ''
        GROUP BY hold.address HAVING count(*) > {OF_ONE_ADDRESS}
        UNION ALL
        SELECT 'order ' || r.order_id, 'holds, and nothing is noted of it' FROM bookings_reservation r
        WHERE r.status = 'held' AND NOT EXISTS (SELECT FROM payments_hold hold WHERE hold.order_id = r.order_id)""",
    "an event is in the inbox once": """
        SELECT stripe_event_id, count(*) || ' times' FROM payments_webhookevent
        GROUP BY stripe_event_id HAVING count(*) > 1""",
    "a dead event alerts staff": """
        SELECT stripe_event_id, error FROM payments_webhookevent event WHERE status = 'dead'
        AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'payments.alert_staff'
                        AND strpos(args ->> 'text', event.stripe_event_id) > 0)""",
    # Up to four of its tries may have ended with the process that was at them.
    "an event that fails alerts staff": """
        SELECT stripe_event_id, attempts || ' tries: ' || error FROM payments_webhookevent
        WHERE status = 'pending' AND attempts >= 8 AND alerted_at IS NULL""",
    "what staff type is within limits": """
        SELECT 'service ' || id, validity_days || ' days, ' || free_cancel_hours || ' hours, ' || bundle_bonus
        FROM catalog_service
        WHERE validity_days > 3660 OR free_cancel_hours > 8784 OR bundle_bonus > 100""",
    "a balance is spent only when it is there": """
        SELECT 'account ' || line.account_id, line.amount_minor || ', and ' || line.balance_after_minor || ' left'
        FROM credits_credittransaction line WHERE kind = 'spend' AND balance_after_minor < 0""",
    "a user has one default card": """
        SELECT 'user ' || user_id, count(*) || ' defaults' FROM payments_paymentmethod WHERE is_default
        GROUP BY user_id HAVING count(*) > 1""",
}

# What is written once and never again: each row as it was when it was first seen.
KEPT_FOR_EVER = {
    "credits_credittransaction": "a line of the ledger stays as it is",
    "bookings_bookingmove": "a move stays written down",
    "orders_ordertransition": "what happened to an order stays written down",
    "documents_receipt": "a receipt stays as it was issued",
    "documents_creditnote": "a credit note stays as it was issued",
}
# The texts of who is erased go; that the sums stay is for the doctor to say.
OF_ERASED = {
    "credits_credittransaction": """account_id IN (SELECT account.id FROM credits_creditaccount account
        JOIN privacy_erasure erasure ON erasure.user_id = account.user_id)""",
    "documents_receipt": """order_id IN (SELECT placed.id FROM orders_order placed
        JOIN privacy_erasure erasure ON erasure.user_id = placed.user_id)""",
    "documents_creditnote": """receipt_id IN (SELECT given.id FROM documents_receipt given
        JOIN orders_order placed ON placed.id = given.order_id
        JOIN privacy_erasure erasure ON erasure.user_id = placed.user_id)""",
}


GOES_BACK = {"pending", "requires_action", "succeeded"}


class Safety:
    """Remembers of one run what was seen, and compares."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        checks = [(rule.code, rule.sql) for rule in SAFETY] + list(OURS.items())
        self._rules = " UNION ALL ".join(
            f"SELECT '{name}', broken::text FROM ({sql}) AS broken (object, wrong)" for name, sql in checks
        )
        self.reset()

    def reset(self) -> None:
        self._seen: dict[str, dict[int, str]] = {table: {} for table in KEPT_FOR_EVER}

    def check(self) -> None:
        for rule, evidence in self._observer.rows(self._rules):
            raise InvariantViolation(rule, evidence)
        self._check_history()
        self._check_captures()
        self._check_refunds()
        self._check_disputes()
        self._check_one_way_to_pay()

    def _check_history(self) -> None:
        for table, rule in KEPT_FOR_EVER.items():
            erased = OF_ERASED.get(table, "false")
            query = f"SELECT id, CASE WHEN {erased} THEN 'erased' ELSE md5(line::text) END FROM {table} line"
            now: dict[int, str] = dict(self._observer.rows(query))
            for row, status in self._seen[table].items():
                if now.get(row) not in {status, "erased"}:
                    raise InvariantViolation(rule, (table, row, "changed" if row in now else "gone"))
            self._seen[table] = now

    def _check_captures(self) -> None:
        intents = self._observer.stripe.payment_intents
        captured = self._observer.rows(
            "SELECT o.public_id, stripe_payment_intent_id, captured_minor, currency, o.stripe_customer_id,"
            " (SELECT array_agg(user_id) FROM payments_stripecustomer"
            "  WHERE stripe_customer_id = o.stripe_customer_id AND user_id <> o.user_id)"
            " FROM orders_order o WHERE captured_minor > 0"
        )
        for order, intent_id, minor, currency, customer, strangers in captured:
            there = intents.get(intent_id)
            if there is None or there["status"] != "succeeded":
                raise InvariantViolation("what we call captured is captured at Stripe", (order, minor, there))
            if (there["amount_received"], there["currency"]) != (minor, currency):
                raise InvariantViolation(
                    "what we call captured is captured at Stripe", (order, minor, currency, there)
                )
            if customer and there["customer"] != customer:
                raise InvariantViolation(
                    "a payment is of the order's own customer", (order, customer, there["customer"])
                )
            if strangers:
                raise InvariantViolation(
                    "a payment is of the order's own customer", (order, customer, strangers)
                )

    def _check_refunds(self) -> None:
        refunds = self._observer.rows(
            "SELECT stripe_refund_id, card_minor, currency, stripe_payment_intent_id FROM payments_refund"
            " WHERE stripe_refund_id <> ''"
        )
        for refund_id, *ours in refunds:
            there = self._observer.stripe.refunds.get(refund_id)
            if there is None or [there["amount"], there["currency"], there["payment_intent"]] != ours:
                raise InvariantViolation(
                    "what we call refunded is refunded at Stripe", (refund_id, ours, there)
                )
        ids_by_name: defaultdict[str, list[str]] = defaultdict(list)
        for there in self._observer.stripe.refunds:
            if (name := (there["metadata"] or {}).get("refund_id")) and there["status"] in GOES_BACK:
                ids_by_name[name].append(there["id"])
        if twice := {name: ids for name, ids in ids_by_name.items() if len(ids) > 1}:
            raise InvariantViolation("a refund is made once", twice)

    def _check_disputes(self) -> None:
        disputes = self._observer.rows(
            "SELECT stripe_dispute_id, amount_minor, currency, stripe_payment_intent_id FROM payments_dispute"
        )
        for dispute_id, *ours in disputes:
            there = self._observer.stripe.disputes.get(dispute_id)
            if there is None or [there["amount"], there["currency"], there["payment_intent"]] != ours:
                raise InvariantViolation(
                    "what we call disputed is disputed at Stripe", (dispute_id, ours, there)
                )

    def _check_one_way_to_pay(self) -> None:
        open_ways: dict[str, list[str]] = defaultdict(list)
        for order, way in self._observer.payable():
            open_ways[order].append(way)
        if twice := {order: ways for order, ways in open_ways.items() if len(ways) > 1}:
            raise InvariantViolation("an order has one open way to pay", twice)
