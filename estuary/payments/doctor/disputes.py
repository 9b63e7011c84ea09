"""Rules of disputes: frozen, clawed back and lost amounts follow from the disputes alone."""

from estuary.payments.doctor.check import Rule

REPLAY_REMEDY = (
    "Compare the order's disputes with Stripe's dashboard; an event that is replayed settles them again."
)

DISPUTE_RULES = (
    Rule(
        code="frozen_off",
        sentence="What is frozen of an account is what the disputes of its purchases freeze.",
        sql="""
            SELECT 'account ' || a.id, 'frozen ' || a.frozen_minor || ', by disputes ' || coalesce(held.total, 0)
            FROM credits_creditaccount a
            LEFT JOIN (SELECT o.user_id, o.currency, sum(d.frozen_minor) AS total
                       FROM payments_dispute d JOIN orders_order o ON o.id = d.order_id
                       GROUP BY o.user_id, o.currency) held
                ON held.user_id = a.user_id AND held.currency = a.currency
            WHERE a.frozen_minor <> coalesce(held.total, 0)""",
        remedy="Correct what is frozen: the balance is right, but too much or too little of it can be spent.",
    ),
    Rule(
        code="clawed_off",
        sentence="What disputes took of the credits is what the ledger says they took.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'by disputes ' || coalesce(took.total, 0) || ', in the ledger ' || coalesce(gone.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(clawed_minor) AS total FROM payments_dispute GROUP BY order_id) took
                ON took.order_id = o.id
            LEFT JOIN (SELECT order_id, -sum(amount_minor) AS total FROM credits_credittransaction
                       WHERE kind = 'adjustment' GROUP BY order_id) gone ON gone.order_id = o.id
            WHERE coalesce(took.total, 0) <> coalesce(gone.total, 0)""",
        remedy=REPLAY_REMEDY,
    ),
    Rule(
        code="lost_off",
        sentence="What is lost of an order is what its disputes took, and with its refunds no more than was captured.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'lost ' || o.lost_minor || ', by disputes ' || coalesce(took.total, 0)
                   || ', refunded ' || coalesce(given.total, 0) || ', captured ' || o.captured_minor
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(lost_minor) AS total FROM payments_dispute GROUP BY order_id) took
                ON took.order_id = o.id
            LEFT JOIN (SELECT order_id, sum(card_minor) AS total FROM payments_refund
                       WHERE NOT stray AND status = 'succeeded' GROUP BY order_id) given ON given.order_id = o.id
            WHERE o.lost_minor <> coalesce(took.total, 0)
               OR (o.lost_minor > 0 AND o.lost_minor + coalesce(given.total, 0) > o.captured_minor)""",
        remedy=REPLAY_REMEDY,
    ),
    Rule(
        code="disputed_off",
        sentence="An order is flagged exactly while a dispute of its payment is open or was lost.",
        sql="""
            SELECT 'order ' || o.public_id, CASE WHEN o.disputed THEN 'flagged, and nothing weighs' ELSE 'no flag' END
            FROM orders_order o
            WHERE o.disputed <> EXISTS (
                SELECT FROM payments_dispute d
                WHERE d.order_id = o.id AND NOT d.stray AND (d.closed_at IS NULL OR d.status = 'lost'))""",
        remedy=REPLAY_REMEDY,
    ),
    Rule(
        code="dispute_off",
        sentence="A dispute is closed exactly when it is decided, and that of a second payment takes nothing.",
        sql="""
            SELECT 'dispute ' || stripe_dispute_id, status || ', closed at ' || coalesce(closed_at::text, 'no time')
            FROM payments_dispute
            WHERE (closed_at IS NULL) = (status IN ('won', 'lost', 'warning_closed', 'prevented'))
               OR (stray AND frozen_minor + clawed_minor + lost_minor > 0)""",
        remedy=REPLAY_REMEDY,
    ),
    Rule(
        code="lost_keeps_booking",
        sentence="An order whose whole payment is lost has no active booking that starts after the loss.",
        sql="""
            SELECT 'booking ' || b.id, b.status || ', though the payment of order ' || o.public_id || ' is lost'
            FROM orders_order o JOIN bookings_booking b ON b.order_id = o.id AND b.parent_id IS NULL
            WHERE o.lost_minor > 0 AND o.lost_minor = o.captured_minor
              AND b.status IN ('confirmed', 'partially_refunded')
              AND b.starts_at > (SELECT max(d.closed_at) FROM payments_dispute d
                                 WHERE d.order_id = o.id AND d.lost_minor > 0)""",
        remedy="Cancel the booking without a refund, or ask the buyer to pay again.",
    ),
)
