"""Rules of what must be done in time: nothing waits longer than the worker needs."""

from estuary.payments.customers.customers import NAME_SQL
from estuary.payments.doctor.check import LivenessRule
from estuary.payments.models.events import NO_EVENT_REPORTS_PAYMENT

# manage.py worker --check, the health check of a container, runs this rule alone.
WORKER_SILENT = LivenessRule(
    code="worker_silent",
    sentence="The worker looks through Stripe's lists every few minutes.",
    # Lists of what may be another database's wait until somebody has claimed this one, or Stripe has named the owner.
    sql="""
        SELECT 'list of ' || name, 'looked through until ' || looked_until
        FROM payments_lookout WHERE greatest(looked_until, looked_at) < %(late)s
          AND NOT (name IN ('customers', 'sessions', 'payments')
                   AND EXISTS (SELECT FROM payments_stripeaccount
                               WHERE standing IN ('other', 'behind') OR judged_at IS NULL
                                  OR judged_at < %(at)s - interval '1 hour'))""",
)

NOT_OWNER = LivenessRule(
    code="not_the_owner",
    sentence="This database is the owner of what it does at Stripe.",
    sql="""
        SELECT 'database of ' || home, standing || ' at ' || judged_home || ', as Stripe said at ' || judged_at
        FROM payments_stripeaccount
        WHERE standing = 'behind' OR (standing = 'other' AND (livemode OR house_since IS NOT NULL))""",
    remedy="A copy stays so. The shop itself, after a move or a restore: manage.py stripe_account --claim",
)

MAIL_WAITING = LivenessRule(
    code="mail_waiting",
    sentence="A mail leaves within a quarter of an hour.",
    # After six attempts a mail has waited that long.
    sql="""
        SELECT 'job ' || id, task_name || ', tried ' || attempts || ' times, ' || status
        FROM procrastinate_jobs
        WHERE task_name IN ('payments.send_account_mail', 'payments.send_mail', 'payments.send_mails',
                            'payments.send_booking_mail', 'payments.send_scheduled',
                            'payments.send_method_removed', 'payments.alert_staff')
          AND ((status = 'todo' AND attempts >= 6) OR status = 'failed')""",
    remedy="Is EMAIL_URL the mail server's, and does it answer? The worker's log says why a mail did not leave.",
)

# Of Stripe's deliveries: the books are right without them. A payment that reconciliation found first is not named once
# its event has come. An order that was rebuilt after a restore had its event before the backup.
PAYMENT_WITHOUT_EVENT = LivenessRule(
    code="payment_without_event",
    sentence="Stripe's webhook reports each payment of the last day within a quarter of an hour.",
    sql=f"""
        SELECT 'order ' || o.public_id, o.stripe_payment_intent_id || ', paid at ' || o.paid_at || ': no event came'
        FROM orders_order o
        WHERE o.paid_at > %(at)s - interval '1 day' AND o.paid_at < %(late)s AND o.cancel_reason <> 'recovered'
          AND {NO_EVENT_REPORTS_PAYMENT}""",  # noqa: S608 (ours)
    remedy="manage.py checkup says why events do not arrive. A single one may be Stripe's own failure.",
)

NUMBERED_BY_WORKER = (
    "The worker numbers them. Is it running, and is ESTUARY_SELLER_NAME set? After an upgrade it takes a while: "
    "some hundred thousand in an hour."
)

LIVENESS_RULES = (
    LivenessRule(
        code="contact_change_waiting",
        sentence="Stripe's customer follows a user's e-mail address and name.",
        sql="""
            SELECT 'user ' || user_id, 'changed, seen at ' || min(seen_at)
            FROM accounts_contactchange WHERE seen_at < %(late)s GROUP BY user_id""",
    ),
    LivenessRule(
        code="contact_not_noted",
        sentence="A user whose e-mail address or name is not what Stripe's customer got has that noted, to be sent.",
        sql=f"""
            SELECT 'user ' || u.id, c.stripe_customer_id || ' got another address or name'
            FROM payments_stripecustomer c JOIN accounts_user u ON u.id = c.user_id
            WHERE c.stripe_customer_id <> '' AND (c.email, c.name) IS DISTINCT FROM (u.email, {NAME_SQL})
              AND NOT EXISTS (SELECT FROM accounts_contactchange n WHERE n.user_id = u.id)""",  # noqa: S608 (ours)
        remedy="The worker notes it once a day; save the user in the admin to have it sent at once.",
    ),
    LivenessRule(
        code="order_stuck",
        sentence="An unpaid order ends with its hold.",
        sql="""
            SELECT 'order ' || public_id, status || ', held until ' || expires_at
            FROM orders_order WHERE status IN ('pending', 'failed') AND expires_at < %(late)s""",
    ),
    LivenessRule(
        code="setup_intent_open",
        sentence="A SetupIntent ends with its time: no card can be tried with it for longer.",
        sql="""
            SELECT 'SetupIntent ' || coalesce(nullif(stripe_setup_intent_id, ''), key), 'open until ' || expires_at
            FROM payments_setupintent WHERE ended_at IS NULL AND expires_at < %(late)s""",
    ),
    LivenessRule(
        code="processing_long",
        sentence="A bank has answered within two weeks.",
        sql="""
            SELECT 'order ' || public_id, 'processing since ' || created_at || ', ' || stripe_payment_intent_id
            FROM orders_order
            WHERE (status = 'processing' OR payment_open) AND created_at < %(at)s - interval '14 days'""",
        remedy="Look at the payment in Stripe's dashboard; one that is over there is taken over by the order's page.",
    ),
    LivenessRule(
        code="kept_too_long",
        sentence="A processing order keeps its seats until kept_until, the date in its buyer's mail, and no longer.",
        sql="""
            SELECT 'order ' || o.public_id, 'its seats are kept until ' || coalesce(o.kept_until::text, 'no date')
            FROM orders_order o
            WHERE o.status = 'processing'
              AND EXISTS (SELECT FROM bookings_reservation r WHERE r.order_id = o.id AND r.status = 'held')
              AND coalesce(o.kept_until, o.created_at) < %(late)s""",
    ),
    LivenessRule(
        code="money_neither",
        sentence="Captured money is for a fulfilled order, or being refunded, or lost to a dispute.",
        sql="""
            SELECT 'order ' || o.public_id,
                   'captured ' || o.captured_minor || ', on its way back ' || coalesce(given.total, 0)
            FROM orders_order o
            LEFT JOIN (SELECT order_id, sum(card_minor) AS total FROM payments_refund
                       WHERE NOT stray AND status NOT IN ('failed', 'canceled') GROUP BY order_id) given
                ON given.order_id = o.id
            WHERE o.status = 'paid' AND o.paid_at < %(late)s
              AND coalesce(given.total, 0) + o.lost_minor < o.captured_minor""",
        remedy="Refund the order in the admin; when its card is closed, pay the buyer back another way.",
    ),
    LivenessRule(
        code="refund_unsent",
        sentence="A refund is sent to Stripe soon after its request, unless a dispute blocks it.",
        sql="""
            SELECT 'refund ' || r.public_id, 'asked for at ' || r.created_at
            FROM payments_refund r WHERE r.status = 'requested' AND r.created_at < %(late)s
              AND NOT EXISTS (SELECT FROM payments_dispute d
                              WHERE d.stripe_payment_intent_id = r.stripe_payment_intent_id
                                AND NOT d.refundable AND (d.closed_at IS NULL OR d.closed_at > %(late)s))""",
    ),
    LivenessRule(
        code="refund_pending_long",
        sentence="A refund has reached the buyer, or failed, within a month.",
        sql="""
            SELECT 'refund ' || public_id, 'pending since ' || created_at || ', ' || stripe_refund_id
            FROM payments_refund WHERE status = 'pending' AND created_at < %(at)s - interval '30 days'""",
        remedy="Ask Stripe's support about the refund: its bank has not answered.",
    ),
    LivenessRule(
        code="inbox_waiting",
        sentence="An event is settled soon after it came.",
        sql="""
            SELECT 'event ' || stripe_event_id, type || ', here since ' || received_at || ': '
              || coalesce('an attempt was started at ' || attempt_started_at || ' and has not ended. ', '') || error
            FROM payments_webhookevent WHERE status = 'pending' AND received_at < %(late)s""",
    ),
    LivenessRule(
        code="inbox_dead",
        sentence="No event was given up.",
        sql="""
            SELECT 'event ' || stripe_event_id, type || ': ' || error
            FROM payments_webhookevent WHERE status = 'dead'""",
        remedy="Remove the cause that its error names, then replay it in the admin.",
    ),
    MAIL_WAITING,
    LivenessRule(
        code="card_not_detached",
        sentence="A card that was removed here is soon removed at Stripe, once no unpaid order may still use it.",
        sql="""
            SELECT 'card ' || m.stripe_payment_method_id, 'removed at ' || m.detached_at
            FROM payments_paymentmethod m
            WHERE m.detach_pending AND m.detached_at < %(late)s
              AND NOT EXISTS (SELECT FROM orders_order o WHERE o.user_id = m.user_id
                              AND o.stripe_payment_method_id = m.stripe_payment_method_id
                              AND (o.status IN ('pending', 'failed', 'processing')
                                   OR EXISTS (SELECT FROM orders_ordertransition t
                                              WHERE t.order_id = o.id AND t.at >= %(late)s)))""",
    ),
    LivenessRule(
        code="date_change_stuck",
        sentence="A change of dates is carried out for every guest within a quarter of an hour.",
        sql="""
            SELECT 'change ' || c.public_id, c.title || ', ' || waiting.n || ' rows wait since ' || c.created_at
            FROM payments_datechange c
            CROSS JOIN LATERAL (SELECT count(*) AS n FROM payments_datechangerow r
                                WHERE r.change_id = c.id AND r.status = 'waiting') waiting
            WHERE c.status = 'running' AND c.created_at < %(late)s""",
    ),
    LivenessRule(
        code="booking_not_closed",
        sentence="What has taken place is completed, and what lapsed is closed.",
        sql="""
            SELECT 'booking ' || id, status || ', over since ' || coalesce(ends_at, valid_until)
            FROM bookings_booking
            WHERE status IN ('confirmed', 'partially_refunded')
              AND (ends_at < %(late)s - interval '15 minutes'
                   OR (ends_at IS NULL AND valid_until < %(late)s - interval '15 minutes'))""",
    ),
    LivenessRule(
        code="list_disagrees",
        sentence="All that Stripe's lists show could be made to agree.",
        sql="""
            SELECT 'list of ' || name, 'not since ' || looked_until || ': ' || failing
            FROM payments_lookout WHERE looked_until < %(late)s AND failing <> '{}'""",
        remedy="The worker's log says why (sweep_failed, sweep_put_off); staff were alerted of each by mail.",
    ),
    WORKER_SILENT,
    NOT_OWNER,
    LivenessRule(
        code="receipt_missing",
        sentence="A paid order has its receipt within a quarter of an hour.",
        sql="""
            SELECT 'order ' || o.public_id, 'paid at ' || o.completed_at || ', and has no receipt'
            FROM orders_order o WHERE o.completed_at < %(late)s
              AND NOT EXISTS (SELECT FROM documents_receipt r WHERE r.order_id = o.id)""",
        remedy=NUMBERED_BY_WORKER,
    ),
    LivenessRule(
        code="credit_note_off",
        sentence="What credit notes say is what refunds returned.",
        sql="""
            SELECT 'refund ' || f.public_id,
                   f.status || ', ' || f.card_minor || ' by card, ' || f.credits_minor || ' in credits, noted '
                   || coalesce(noted.charged, 0) || ' and ' || coalesce(noted.credits, 0)
            FROM payments_refund f JOIN documents_receipt r ON r.order_id = f.order_id
            LEFT JOIN (SELECT refund_id, sum(charged_minor) AS charged, sum(credits_minor) AS credits
                       FROM documents_creditnote GROUP BY refund_id) noted ON noted.refund_id = f.id
            WHERE NOT f.stray AND f.settled_at < %(late)s
              AND (coalesce(noted.charged, 0) <> CASE f.status WHEN 'succeeded' THEN f.card_minor ELSE 0 END
                   OR coalesce(noted.credits, 0) <> CASE f.status WHEN 'succeeded' THEN f.credits_minor ELSE 0 END)""",
        remedy=NUMBERED_BY_WORKER,
    ),
)
