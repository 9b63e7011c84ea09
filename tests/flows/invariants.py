"""What must hold whatever happened: asked of the database in its own language, and of the sandbox."""

from typing import Any

from django.db import connection

from estuary.orders.models import Order
from estuary.payments.models import Dispute, PaymentMethod, Refund, WebhookEvent
from stripe_sandbox import Sandbox

# Each query returns what breaks the rule: no row, no breach.
BREACHES = {
    "a balance is the sum of its ledger": """
        SELECT account.id, account.balance_minor, coalesce(sum(line.amount_minor), 0)
        FROM credits_creditaccount account
        LEFT JOIN credits_credittransaction line ON line.account_id = account.id
        GROUP BY account.id HAVING account.balance_minor <> coalesce(sum(line.amount_minor), 0)""",
    "a total is credits and card, and the sum of its lines": """
        SELECT o.public_id, o.total_minor, sum(line.amount_minor)
        FROM orders_order o LEFT JOIN orders_orderline line ON line.order_id = o.id
        GROUP BY o.id
        HAVING o.total_minor <> o.credits_applied_minor + o.amount_due_minor
            OR (o.type = 'direct' AND o.total_minor <> coalesce(sum(line.amount_minor), 0))""",
    "refunds stay within what was captured, and add up to what the order says": """
        SELECT o.public_id FROM orders_order o LEFT JOIN payments_refund r ON r.order_id = o.id AND NOT r.stray
        GROUP BY o.id
        HAVING coalesce(sum(r.card_minor) FILTER (WHERE r.status NOT IN ('failed', 'canceled')), 0)
                > o.captured_minor
            OR coalesce(sum(r.card_minor + r.credits_minor) FILTER (WHERE r.status = 'succeeded'), 0)
                <> o.refunded_minor""",
    "what was handed over is paid for, and what is paid for was handed over": """
        SELECT o.public_id, o.status FROM orders_order o
        WHERE (o.status IN ('completed', 'partially_refunded') AND o.captured_minor <> o.amount_due_minor)
           OR (o.status IN ('completed', 'partially_refunded') AND o.completed_at IS NULL)
           OR (o.status IN ('pending', 'failed', 'processing', 'canceled') AND o.captured_minor > 0)""",
    "an order is fulfilled once": """
        SELECT o.public_id FROM orders_order o
        LEFT JOIN bookings_booking b ON b.order_id = o.id AND b.position = 0
        GROUP BY o.id
        HAVING (o.type = 'direct' AND (o.completed_at IS NOT NULL) <> (count(b.id) = 1))
            OR (o.type = 'credit' AND count(b.id) > 0)""",
    "the shares of a package's children are its price": """
        SELECT parent.id FROM bookings_booking parent JOIN bookings_booking child ON child.parent_id = parent.id
        GROUP BY parent.id HAVING parent.amount_minor <> sum(child.amount_minor)""",
    "taken seats are held or confirmed ones, and within the capacity": """
        SELECT s.id, s.taken, count(r.id) FROM catalog_servicesession s
        LEFT JOIN bookings_reservation r ON r.session_id = s.id AND r.status <> 'released'
        GROUP BY s.id HAVING s.taken <> count(r.id) OR s.taken > s.capacity""",
    "a confirmed seat has a participant, and a participant a confirmed seat": """
        SELECT s.id FROM catalog_servicesession s
        WHERE (SELECT count(*) FROM bookings_reservation r WHERE r.session_id = s.id AND r.status = 'confirmed')
           <> (SELECT count(*) FROM bookings_participant p WHERE p.session_id = s.id AND p.active)""",
    "only live orders hold, and ended ones hold nothing": """
        SELECT o.public_id, o.status, r.status FROM orders_order o JOIN bookings_reservation r ON r.order_id = o.id
        WHERE (r.status = 'held') <> (o.status IN ('pending', 'failed', 'processing')) AND r.status <> 'released'""",
    "canceled bookings keep neither seat nor slot": """
        SELECT b.id FROM bookings_booking b JOIN bookings_reservation r ON r.line_id = b.line_id
        WHERE b.status = 'canceled' AND r.status <> 'released'""",
    "credits of an order that ended unpaid are back, and those of a paid one are spent": """
        SELECT o.public_id, o.status, sum(line.amount_minor) FROM orders_order o
        JOIN credits_credittransaction line ON line.order_id = o.id AND o.type = 'direct'
        GROUP BY o.id
        HAVING sum(line.amount_minor) <> CASE WHEN o.status IN ('canceled', 'paid') THEN 0
            WHEN o.completed_at IS NULL AND o.status = 'refunded' THEN 0
            ELSE -o.credits_applied_minor + (SELECT coalesce(sum(r.credits_minor), 0) FROM payments_refund r
                WHERE r.order_id = o.id AND r.status = 'succeeded') END""",
    "bought credits are there, less what was refunded": """
        SELECT o.public_id FROM orders_order o
        LEFT JOIN credits_credittransaction line ON line.order_id = o.id
        WHERE o.type = 'credit' GROUP BY o.id
        HAVING coalesce(sum(line.amount_minor), 0) <> CASE WHEN o.completed_at IS NULL THEN 0
            ELSE o.credit_amount_minor
                - o.credit_amount_minor * (o.refunded_minor + o.lost_minor) / o.captured_minor END""",
    "refunds and what disputes took stay within what was captured": """
        SELECT o.public_id FROM orders_order o WHERE o.captured_minor < o.lost_minor +
            (SELECT coalesce(sum(r.card_minor), 0) FROM payments_refund r
                WHERE r.order_id = o.id AND NOT r.stray AND r.status = 'succeeded')""",
    "what is lost of an order is what its disputes took": """
        SELECT o.public_id, o.lost_minor FROM orders_order o WHERE o.lost_minor <>
            (SELECT coalesce(sum(d.lost_minor), 0) FROM payments_dispute d WHERE d.order_id = o.id)""",
    "what is frozen of an account is what the disputes of its purchases freeze": """
        SELECT account.id, account.frozen_minor FROM credits_creditaccount account
        WHERE account.frozen_minor <> (SELECT coalesce(sum(d.frozen_minor), 0) FROM payments_dispute d
            JOIN orders_order o ON o.id = d.order_id
            WHERE o.user_id = account.user_id AND o.currency = account.currency)""",
    "what disputes took of the credits is what the ledger says they took": """
        SELECT o.public_id FROM orders_order o
        WHERE (SELECT coalesce(sum(d.clawed_minor), 0) FROM payments_dispute d WHERE d.order_id = o.id)
           <> (SELECT coalesce(-sum(line.amount_minor), 0) FROM credits_credittransaction line
                WHERE line.order_id = o.id AND line.kind = 'adjustment')""",
    "an order is flagged exactly while a dispute of its payment is open or lost": """
        SELECT o.public_id FROM orders_order o WHERE o.disputed <> EXISTS (SELECT 1 FROM payments_dispute d
            WHERE d.order_id = o.id AND NOT d.stray AND (d.closed_at IS NULL OR d.status = 'lost'))""",
    "a dispute is closed when it is decided, and a second payment's takes nothing": """
        SELECT d.stripe_dispute_id FROM payments_dispute d
        WHERE (d.closed_at IS NULL) = (d.status IN ('won', 'lost', 'warning_closed', 'prevented'))
           OR (d.stray AND d.frozen_minor + d.clawed_minor + d.lost_minor > 0)""",
    "nothing that had not begun stands when all of the card's money is lost": """
        SELECT b.id FROM bookings_booking b JOIN orders_order o ON o.id = b.order_id
        JOIN payments_dispute d ON d.order_id = o.id
        WHERE o.lost_minor > 0 AND o.lost_minor = o.captured_minor AND b.parent_id IS NULL
            AND b.status IN ('confirmed', 'partially_refunded') AND b.starts_at > d.closed_at""",
    "the status is where the last transition led": """
        SELECT o.public_id, o.status FROM orders_order o WHERE o.status <>
            (SELECT t.after FROM orders_ordertransition t WHERE t.order_id = o.id ORDER BY t.id DESC LIMIT 1)""",
    "one default card for whoever has cards": """
        SELECT user_id FROM payments_paymentmethod WHERE detached_at IS NULL
        GROUP BY user_id HAVING count(*) FILTER (WHERE is_default) <> 1""",
}


def assert_invariants(sandbox: Sandbox) -> None:
    """Fail with every rule that is broken, and by what."""
    broken = {rule: rows for rule, query in BREACHES.items() if (rows := _rows(query))}
    assert not broken, broken
    _assert_agreement(sandbox)
    _assert_no_secrets()


def _rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _assert_agreement(sandbox: Sandbox) -> None:
    """What we recorded as captured and refunded is so at Stripe: same amount, same currency."""
    intents = sandbox.world.store.payment_intents
    for order in Order.objects.filter(captured_minor__gt=0):
        intent = intents.get(order.stripe_payment_intent_id)
        assert intent is not None
        there = (intent["status"], intent["amount_received"], intent["currency"])
        assert there == ("succeeded", order.captured_minor, order.currency)
    for refund in Refund.objects.exclude(stripe_refund_id=""):
        known = sandbox.world.store.refunds.get(refund.stripe_refund_id)
        assert known is not None
        assert (known["amount"], known["payment_intent"]) == (
            refund.card_minor,
            refund.stripe_payment_intent_id,
        )
    for dispute in Dispute.objects.all():
        taken = sandbox.world.store.disputes.get(dispute.stripe_dispute_id)
        assert taken is not None
        assert (taken["payment_intent"], taken["amount"]) == (
            dispute.stripe_payment_intent_id,
            dispute.amount_minor,
        )
    _assert_one_way_to_pay(sandbox)


def _assert_one_way_to_pay(sandbox: Sandbox) -> None:
    """No order can be paid twice: one open intent or page each, and none for an order that has ended."""
    ways: dict[str, list[str]] = {}
    for intent in sandbox.world.store.payment_intents:
        if intent["status"] in {"requires_payment_method", "requires_action", "requires_confirmation"}:
            ways.setdefault((intent["metadata"] or {}).get("order_id", ""), []).append(intent["id"])
    ways.pop("", None)
    assert all(len(open_ways) == 1 for open_ways in ways.values()), ways


def _assert_no_secrets() -> None:
    for payload in WebhookEvent.objects.values_list("payload", flat=True):
        assert "client_secret" not in str(payload)
        assert "_secret_" not in str(payload)
    assert not PaymentMethod.objects.filter(detached_at__isnull=False, is_default=True).exists()
