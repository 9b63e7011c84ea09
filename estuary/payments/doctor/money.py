"""Rules of money: orders, credits and refunds add up."""

from estuary.payments.doctor.check import Rule

STRIPE_REMEDY = (
    "Compare with the payment in Stripe's dashboard; correct what is wrong here by hand, in one transaction."
)
LEDGER_REMEDY = "Find what wrote beside the ledger, and post an adjustment in the admin for the difference."

MONEY_RULES = (
    Rule(
        code="balance_off",
        sentence="A balance is the sum of its ledger.",
        sql="""
            SELECT 'credit account ' || account.id,
                   'balance ' || account.balance_minor || ', ledger ' || coalesce(ledger.total, 0)
            FROM credits_creditaccount account
            LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM credits_credittransaction
                       GROUP BY account_id) ledger ON ledger.account_id = account.id
            WHERE account.balance_minor <> coalesce(ledger.total, 0)""",
        remedy=LEDGER_REMEDY,
    ),
    Rule(
        code="ledger_broken",
        sentence="Each line of a ledger carries on from the line before.",
        sql="""
            SELECT 'credit transaction ' || line.id,
                   'balance after it ' || balance_after_minor || ', before it ' || before_minor
                   || ', amount ' || amount_minor
            FROM (SELECT id, amount_minor, balance_after_minor,
                         lead(balance_after_minor, 1, 0::bigint)
                             OVER (PARTITION BY account_id ORDER BY id DESC) AS before_minor
                  FROM credits_credittransaction) line
            WHERE balance_after_minor <> before_minor + amount_minor""",
        remedy="A line was changed or deleted, which the database refuses. Find out who could, and restore it.",
    ),
    Rule(
        code="total_off",
        sentence="A total is credits and card, and the sum of its lines.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'total ' || o.total_minor || ', credits ' || o.credits_applied_minor
                   || ', card ' || o.amount_due_minor || ', lines ' || coalesce(lines.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(amount_minor) AS total FROM orders_orderline GROUP BY order_id) lines
                ON lines.order_id = o.id
            WHERE o.total_minor <> o.credits_applied_minor + o.amount_due_minor
               OR (o.type = 'direct' AND o.total_minor <> coalesce(lines.total, 0))""",
        remedy=STRIPE_REMEDY,
    ),
    Rule(
        code="handed_over_unpaid",
        sentence="A fulfilled order is paid for, and a paid order is fulfilled or being refunded.",
        sql="""
            SELECT 'order ' || o.public_id,
                   o.status || ', captured ' || o.captured_minor || ' of ' || o.amount_due_minor
            FROM orders_order o
            WHERE (o.status IN ('completed', 'partially_refunded', 'refunded', 'paid')
                   AND o.captured_minor <> o.amount_due_minor)
               OR (o.status IN ('completed', 'partially_refunded') AND o.completed_at IS NULL)
               OR (o.status IN ('pending', 'failed', 'processing', 'canceled', 'paid')
                   AND o.completed_at IS NOT NULL)
               OR (o.status IN ('pending', 'failed', 'processing', 'canceled') AND o.captured_minor > 0)
               OR (o.captured_minor > 0 AND o.stripe_payment_intent_id = '')""",
        remedy=STRIPE_REMEDY,
    ),
    Rule(
        code="refunds_over_captured",
        sentence="Refunds stay within what was captured, and returned credits within those that were spent.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'refunds ' || given.card || ' of ' || o.captured_minor || ' by card, '
                   || given.credits || ' of ' || o.credits_applied_minor || ' in credits'
            FROM (SELECT order_id, sum(card_minor) AS card, sum(credits_minor) AS credits FROM payments_refund
                  WHERE NOT stray AND status IN ('pending', 'succeeded') GROUP BY order_id) given
            JOIN orders_order o ON o.id = given.order_id
            WHERE given.card > o.captured_minor OR given.credits > o.credits_applied_minor""",
        remedy="Compare the order's refunds with Stripe's; a row that Stripe does not know is to be marked failed.",
    ),
    Rule(
        code="refunded_off",
        sentence="What an order says was refunded is the sum of its refunds that succeeded.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'says ' || o.refunded_minor || ', its refunds ' || coalesce(given.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(card_minor + credits_minor) AS total FROM payments_refund
                       WHERE NOT stray AND status = 'succeeded' GROUP BY order_id) given ON given.order_id = o.id
            WHERE o.refunded_minor <> coalesce(given.total, 0)""",
        remedy="Compare the order's refunds with Stripe's, and correct the row that differs.",
    ),
    Rule(
        code="refund_astray",
        sentence="A refund is of its order's own payment and currency, and Stripe's id of it is known once Stripe is.",
        sql="""
            SELECT 'refund ' || r.public_id,
                   'of ' || coalesce(nullif(r.stripe_payment_intent_id, ''), 'no payment') || ' in ' || r.currency
                   || ', Stripe''s id ' || coalesce(nullif(r.stripe_refund_id, ''), 'unknown')
            FROM payments_refund r JOIN orders_order o ON o.id = r.order_id
            WHERE (NOT r.stray AND (r.currency <> o.currency
                   OR (r.card_minor > 0 AND r.stripe_payment_intent_id <> o.stripe_payment_intent_id)))
               OR (r.card_minor > 0 AND r.status IN ('pending', 'succeeded') AND r.stripe_refund_id = '')""",
        remedy="Look the refund up in Stripe's dashboard by its metadata refund_id, and correct the row.",
    ),
    Rule(
        code="spent_credits_off",
        sentence="Credits of an order that ended unpaid are back, and those of a paid one are spent.",
        sql="""
            SELECT 'order ' || o.public_id, o.status || ', credits moved ' || coalesce(moved.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(amount_minor) AS total FROM credits_credittransaction
                       WHERE order_id IS NOT NULL GROUP BY order_id) moved ON moved.order_id = o.id
            LEFT JOIN (SELECT order_id, sum(credits_minor) AS total FROM payments_refund
                       WHERE status = 'succeeded' GROUP BY order_id) given ON given.order_id = o.id
            WHERE o.type = 'direct' AND (o.credits_applied_minor > 0 OR moved.total IS NOT NULL)
              AND coalesce(moved.total, 0) <> CASE WHEN o.status IN ('canceled', 'paid') THEN 0
                WHEN o.completed_at IS NULL AND o.status = 'refunded' THEN 0
                ELSE coalesce(given.total, 0) - o.credits_applied_minor END""",
        remedy=LEDGER_REMEDY,
    ),
    Rule(
        code="bought_credits_off",
        sentence="Bought credits are there, less what was refunded or lost.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'bought ' || o.credit_amount_minor || ', refunded ' || o.refunded_minor || ', lost ' || o.lost_minor
                   || ', credits moved ' || coalesce(moved.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(amount_minor) AS total FROM credits_credittransaction
                       WHERE order_id IS NOT NULL GROUP BY order_id) moved ON moved.order_id = o.id
            WHERE o.type = 'credit' AND coalesce(moved.total, 0) <> CASE WHEN o.completed_at IS NULL THEN 0
                ELSE o.credit_amount_minor
                   - div(o.credit_amount_minor::numeric * (o.refunded_minor + o.lost_minor),
                         nullif(o.captured_minor, 0))
                END""",
        remedy=LEDGER_REMEDY,
    ),
    Rule(
        code="receipt_numbers_gap",
        sentence="Receipts and credit notes are numbered from 1 on without a gap, in each year of a seller.",
        sql="""
            SELECT 'series ' || seller || ' ' || series || ' ' || year,
                   'counter at ' || coalesce(last_sequence::text, 'nothing') || ', ' || coalesce(given.n, 0)
                   || ' numbers up to ' || coalesce(given.last, 0)
            FROM documents_numbercounter
            FULL JOIN (
                SELECT 'receipt' AS series, seller, year, count(*) AS n, max(sequence) AS last
                FROM documents_receipt GROUP BY seller, year
                UNION ALL
                SELECT 'credit_note', seller, year, count(*), max(sequence)
                FROM documents_creditnote GROUP BY seller, year
            ) given USING (seller, series, year)
            WHERE last_sequence IS DISTINCT FROM coalesce(given.n, 0)
               OR last_sequence IS DISTINCT FROM coalesce(given.last, 0)""",
        remedy="A number went missing, which the database refuses. Find out who could, and restore the document.",
    ),
    Rule(
        code="receipt_off",
        sentence="A receipt is of a paid order, its lines are its total, and its total is the order's.",
        sql="""
            SELECT 'receipt ' || r.number,
                   'total ' || r.total_minor || ', credits ' || r.credits_minor || ', charged ' || r.charged_minor
                   || ', lines ' || lines.total || '; order ' || o.public_id || ' ' || o.status
                   || ', total ' || o.total_minor || ', credits ' || o.credits_applied_minor
                   || ', charged ' || o.amount_due_minor
            FROM documents_receipt r JOIN orders_order o ON o.id = r.order_id
            CROSS JOIN LATERAL (SELECT coalesce(sum((line ->> 'amount_minor')::bigint), 0) AS total
                                FROM jsonb_array_elements(r.lines) line) lines
            WHERE o.completed_at IS NULL OR r.currency <> o.currency OR lines.total <> r.total_minor
               OR (r.total_minor, r.credits_minor, r.charged_minor)
                  <> (o.total_minor, o.credits_applied_minor, o.amount_due_minor)""",
        remedy="Receipts are never changed: find what changed the order, and put the order right.",
    ),
)
