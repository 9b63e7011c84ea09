"""Rules of holds: few unpaid orders hold anything, for a limited time that ordering again does not extend."""

from estuary.payments.doctor.check import LivenessRule, Rule

HOLD_RULES = (
    Rule(
        code="holds_too_many",
        sentence="An unpaid order holds three times at most; a course is one of them.",
        sql="""
            SELECT 'order ' || o.public_id, o.status || ', and holds ' || held.lines || ' times'
            FROM (SELECT r.order_id, count(DISTINCT r.line_id) AS lines
                  FROM bookings_reservation r JOIN orders_orderline l ON l.id = r.line_id
                  WHERE r.status = 'held' GROUP BY r.order_id
                  HAVING count(DISTINCT r.line_id) > 3 AND bool_or(l.service_type <> 'course')) held
            JOIN orders_order o ON o.id = held.order_id
            WHERE o.status IN ('pending', 'failed')""",
        remedy="Cancel the order in the admin: it keeps from others what it has not paid for.",
    ),
    Rule(
        code="hold_renewed",
        sentence="An order that replaces another, or comes after it was canceled, is held no longer than that one.",
        # Orders that were processing, or paid too late, are left out: their hold was not free.
        sql="""
            SELECT 'order ' || later.public_id,
                   'held until ' || later.expires_at || ', ' || earlier.public_id || ' was until ' || before.ends_at
            FROM payments_hold anew
            JOIN orders_order later ON later.id = anew.order_id
            JOIN payments_hold before ON before.user_id = anew.user_id AND before.order_id < anew.order_id
                AND before.ends_at > anew.created_at AND before.ends_at < later.expires_at
            JOIN orders_order earlier ON earlier.id = before.order_id AND earlier.item_key = later.item_key
            JOIN orders_ordertransition ended ON ended.order_id = earlier.id AND ended.after = 'canceled'
                AND ended.at <= anew.created_at
            WHERE NOT EXISTS (SELECT FROM orders_ordertransition t
                              WHERE t.order_id = earlier.id AND t.after IN ('processing', 'paid'))""",
        remedy="Cancel the order in the admin when it is not paid; find out which way it was placed by.",
    ),
)

HELD_PAST_DEADLINE = LivenessRule(
    code="held_past_deadline",
    sentence="What an unpaid order holds is free again soon after its deadline.",
    sql="""
        SELECT 'order ' || o.public_id, o.status || ', and holds since its deadline, ' || h.ends_at
        FROM payments_hold h JOIN orders_order o ON o.id = h.order_id
        WHERE o.status IN ('pending', 'failed') AND h.ends_at < %(late)s
          AND EXISTS (SELECT FROM bookings_reservation r WHERE r.order_id = o.id AND r.status = 'held')""",
)
