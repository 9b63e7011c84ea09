# ruff: noqa: S608 (the damage is planted in SQL of our own)
"""What the doctor's tests break: for each rule, the damage that it must name."""

# What was planted may break a guard of the database: then the guard is taken away first, and its loss is named too.
type Damage = tuple[str, str, str]  # the rule, the guard in the way, the damage

ONE = "(SELECT id FROM {} ORDER BY id LIMIT 1)"
BUNDLE = "(SELECT id FROM bookings_booking WHERE service_type = 'bundle' AND position = 0 LIMIT 1)"
WITH_SLOT = """(SELECT id FROM bookings_booking WHERE service_type = 'session' AND status = 'confirmed'
    AND starts_at IS NOT NULL ORDER BY id LIMIT 1)"""
COMPLETED = "(SELECT id FROM orders_order WHERE status = 'completed' AND type = 'direct' ORDER BY id LIMIT 1)"
REFUNDED = "(SELECT id FROM orders_order WHERE status = 'refunded' LIMIT 1)"
UNPAID = "(SELECT id FROM orders_order WHERE status = 'pending' LIMIT 1)"
# Three times more than the one that it holds, in the calendar of nobody in particular, in the years to come.
THREE_HELD_BESIDES = f"""
    WITH lines AS (
        INSERT INTO orders_orderline (order_id, position, service_type, service_name, amount_minor)
        SELECT {UNPAID}, 10 + n, 'session', 'planted', 0 FROM generate_series(1, 3) n RETURNING id, order_id, position
    ), entries AS (
        INSERT INTO catalog_calendarentry (practitioner_id, during)
        SELECT (SELECT min(id) FROM accounts_practitioner),
               tstzrange(now() + interval '1 year' * position, now() + interval '1 year' * position + interval '1 hour')
        FROM lines RETURNING id
    )
    INSERT INTO bookings_reservation (order_id, line_id, calendar_entry_id, status, created_at)
    SELECT line.order_id, line.id, entry.id, 'held', now()
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM lines) line
    JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM entries) entry USING (n)"""
# An order for the same, which was canceled a minute before this one was placed, and would have ended sooner.
CANCELED_BEFORE = f"""
    INSERT INTO orders_order SELECT (jsonb_populate_record(o, jsonb_build_object('id', -1, 'public_id', 'ord_planted',
        'status', 'canceled', 'stripe_payment_intent_id', '', 'asked_at', null))).*
        FROM orders_order o WHERE id = {UNPAID};
    INSERT INTO orders_orderline SELECT (jsonb_populate_record(l, jsonb_build_object('id', -1, 'order_id', -1))).*
        FROM orders_orderline l WHERE order_id = {UNPAID};
    INSERT INTO orders_ordertransition (order_id, before, after, cause, at)
        SELECT -1, step.before, step.after, 'planted', created_at - interval '1 minute'
        FROM payments_hold, (VALUES ('', 'pending'), ('pending', 'canceled')) AS step (before, after)
        WHERE order_id = {UNPAID};
    INSERT INTO payments_hold SELECT (jsonb_populate_record(h, jsonb_build_object('id', -1, 'order_id', -1,
        'ends_at', h.ends_at - interval '1 minute'))).* FROM payments_hold h WHERE order_id = {UNPAID}"""


def a_refund(status: str, amount: str, stripe_id: str, since: str) -> str:
    return f"""
        INSERT INTO payments_refund (public_id, order_id, currency, card_minor, credits_minor, status, origin, reason,
          cancels, stray, stripe_payment_intent_id, stripe_refund_id, failure_reason, request_key, attempt,
          created_at)
        SELECT 'ref_planted', id, currency, {amount}, 0, '{status}', 'staff', '', false, false,
          stripe_payment_intent_id, '{stripe_id}', '', '', 1, now() - interval '{since}'
        FROM orders_order WHERE id = {COMPLETED}"""


def a_dispute(status: str, lost: str, closed: str) -> str:
    return f"""
        INSERT INTO payments_dispute (order_id, stripe_dispute_id, stripe_charge_id, stripe_payment_intent_id,
          amount_minor, currency, reason, status, refundable, stray, frozen_minor, clawed_minor, lost_minor, revision,
          opened_at, closed_at)
        SELECT id, 'du_planted', '', stripe_payment_intent_id, captured_minor, currency, 'general', '{status}', false,
          false, 0, 0, {lost}, 0, now() - interval '1 hour', {closed}
        FROM orders_order WHERE id = {COMPLETED}"""


def a_change(status: str, row_status: str, amount: str, since: str = "1 minute") -> str:
    return f"""
        WITH change AS (
            INSERT INTO payments_datechange (public_id, preview_id, kind, status, practitioner_id, session_ids, title,
                starts_at, ends_at, message, reason, requested_by_id, by_staff, created_at)
            SELECT 'chg_planted', 'prv_planted', 'call_off', '{status}', {ONE.format("accounts_practitioner")}, '{{}}',
                'planted', now(), now(), '', '', {ONE.format("accounts_user")}, false, now() - interval '{since}'
            RETURNING id)
        INSERT INTO payments_datechangerow (change_id, order_id, act, tender, line, amount_minor, currency, why, status)
        SELECT change.id, {COMPLETED}, 'refund', 'payment_method', 'planted', {amount}, 'usd', '', '{row_status}'
        FROM change"""


DAMAGE: list[Damage] = [
    (
        "called_off_keeps_seat",
        "",
        "UPDATE catalog_servicesession SET called_off_at = now() WHERE taken > 0",
    ),
    ("called_off_unrefunded", "", a_change("done", "done", "1")),
    ("date_change_half_done", "", a_change("done", "waiting", "0")),
    ("date_change_stuck", "", a_change("running", "waiting", "0", since="1 hour")),
    ("frozen_off", "", "UPDATE credits_creditaccount SET frozen_minor = frozen_minor + 1"),
    (
        "clawed_off",
        "",
        """UPDATE credits_credittransaction SET kind = 'adjustment'
           WHERE kind = 'refund' AND order_id IN (SELECT id FROM orders_order WHERE type = 'credit')""",
    ),
    ("lost_off", "", f"UPDATE orders_order SET lost_minor = 1 WHERE id = {COMPLETED}"),
    ("disputed_off", "", f"UPDATE orders_order SET disputed = true WHERE id = {COMPLETED}"),
    ("dispute_off", "", a_dispute("needs_response", "0", "now()")),
    (
        "lost_keeps_booking",
        "",
        a_dispute("lost", "captured_minor", "now() - interval '1 minute'")
        + f"; UPDATE orders_order SET disputed = true, lost_minor = captured_minor WHERE id = {COMPLETED}",
    ),
    ("balance_off", "", "UPDATE credits_creditaccount SET balance_minor = balance_minor + 1"),
    (
        "ledger_broken",
        "",
        f"""UPDATE credits_credittransaction SET balance_after_minor = 7
            WHERE id = {ONE.format("credits_credittransaction")}""",
    ),
    (
        "total_off",
        "",
        f"UPDATE orders_orderline SET amount_minor = amount_minor + 1 WHERE order_id = {COMPLETED}",
    ),
    (
        "handed_over_unpaid",
        "order_fulfilled_means_paid",
        f"UPDATE orders_order SET captured_minor = captured_minor + 1 WHERE id = {COMPLETED}",
    ),
    (
        "handed_over_unpaid",
        "",
        f"UPDATE orders_order SET stripe_payment_intent_id = '' WHERE id = {COMPLETED}",
    ),
    ("refunds_over_captured", "", a_refund("pending", "captured_minor + 1", "re_planted", "1 hour")),
    ("refunded_off", "", f"UPDATE orders_order SET refunded_minor = 1 WHERE id = {COMPLETED}"),
    ("refund_astray", "", "UPDATE payments_refund SET currency = 'eur'"),
    ("refund_astray", "", "UPDATE payments_refund SET stripe_refund_id = ''"),
    (
        "spent_credits_off",
        "",
        "UPDATE credits_credittransaction SET order_id = NULL WHERE kind = 'spend'",
    ),
    (
        "bought_credits_off",
        "",
        "UPDATE credits_credittransaction SET order_id = NULL WHERE kind = 'purchase'",
    ),
    (
        "receipt_numbers_gap",
        "",
        "UPDATE documents_numbercounter SET last_sequence = last_sequence + 1 WHERE series = 'receipt'",
    ),
    (
        "receipt_numbers_gap",
        "",
        "DELETE FROM documents_creditnote WHERE id = (SELECT min(id) FROM documents_creditnote)",
    ),
    (
        "receipt_off",
        "",
        """UPDATE documents_receipt SET charged_minor = charged_minor - 1, credits_minor = credits_minor + 1
           WHERE charged_minor > 0""",
    ),
    (
        "receipt_missing",
        "",
        """DELETE FROM documents_creditnote; DELETE FROM documents_receipt; DELETE FROM documents_numbercounter;
           UPDATE orders_order SET completed_at = now() - interval '1 hour' WHERE completed_at IS NOT NULL""",
    ),
    (
        "credit_note_off",
        "",
        """DELETE FROM documents_creditnote; DELETE FROM documents_numbercounter WHERE series = 'credit_note';
           UPDATE payments_refund SET settled_at = now() - interval '1 hour' WHERE settled_at IS NOT NULL""",
    ),
    ("guard_missing", "", "ALTER TABLE documents_receipt DISABLE TRIGGER ALL"),
    (
        "fulfilled_not_once",
        "",
        f"DELETE FROM bookings_booking WHERE id = {BUNDLE}",
    ),
    ("shares_off", "", f"UPDATE bookings_booking SET amount_minor = amount_minor + 1 WHERE id = {BUNDLE}"),
    (
        "refunded_keeps_booking",
        "",
        f"UPDATE bookings_booking SET status = 'confirmed', starts_at = NULL WHERE order_id = {REFUNDED}",
    ),
    ("holds_too_many", "", THREE_HELD_BESIDES),
    ("hold_renewed", "", CANCELED_BEFORE),
    (
        "held_past_deadline",
        "",
        f"UPDATE payments_hold SET ends_at = now() - interval '1 hour' WHERE order_id = {UNPAID}",
    ),
    ("seats_off", "", "UPDATE catalog_servicesession SET taken = taken + 1"),
    (
        "seats_off",
        "session_never_oversold",
        "UPDATE catalog_servicesession SET capacity = 0 WHERE taken > 0",
    ),
    ("seat_without_participant", "", "UPDATE bookings_participant SET active = false"),
    (
        "hold_of_ended_order",
        "",
        "UPDATE bookings_reservation SET status = 'held' WHERE session_id IS NULL AND status = 'confirmed'",
    ),
    (
        "canceled_keeps_place",
        "",
        f"UPDATE bookings_booking SET status = 'canceled' WHERE order_id = {COMPLETED}",
    ),
    (
        "booking_without_place",
        "",
        "UPDATE bookings_booking SET starts_at = now(), ends_at = now() + interval '1 hour'"
        " WHERE starts_at IS NULL AND position = 1",
    ),
    (
        "calendar_differs",
        "",
        "UPDATE catalog_calendarentry SET during = tstzrange(lower(during), upper(during) - interval '1 minute')",
    ),
    (
        "time_differs",
        "",
        """UPDATE bookings_booking SET starts_at = starts_at - interval '1 minute'
           WHERE id IN (SELECT booking_id FROM bookings_participant WHERE active)""",
    ),
    (
        "length_differs",
        "",
        "UPDATE orders_orderline SET duration_min = duration_min + 1",
    ),
    (
        "place_differs",
        "",
        f"UPDATE bookings_booking SET session_id = {ONE.format('catalog_servicesession')} WHERE id = {WITH_SLOT}",
    ),
    ("moves_miscounted", "", f"UPDATE bookings_booking SET times_moved = 1 WHERE id = {WITH_SLOT}"),
    (
        "moved_too_late",
        "",
        f"""WITH moved AS (UPDATE bookings_booking SET times_moved = 1 WHERE id = {WITH_SLOT} RETURNING *)
            INSERT INTO bookings_bookingmove (booking_id, order_id, number, by_id, from_starts_at, from_ends_at,
              to_starts_at, to_ends_at, moved_at)
            SELECT id, order_id, 1, user_id, starts_at - interval '1 day', ends_at - interval '1 day',
                   starts_at, ends_at, starts_at FROM moved""",
    ),
    (
        "practitioner_twice",
        "calendar_practitioner_never_overlaps",
        """WITH entry AS (INSERT INTO catalog_calendarentry (practitioner_id, during)
             SELECT practitioner_id, during FROM catalog_calendarentry ORDER BY id LIMIT 1 RETURNING id, during)
           INSERT INTO catalog_servicesession (service_id, starts_at, ends_at, capacity, taken, calendar_entry_id)
           SELECT (SELECT min(id) FROM catalog_service), lower(during), upper(during), 1, 0, id FROM entry""",
    ),
    (
        "time_taken_for_nobody",
        "",
        f"""INSERT INTO catalog_calendarentry (practitioner_id, during)
            VALUES ({ONE.format("accounts_practitioner")}, '[2040-01-01, 2040-01-02)')""",
    ),
    ("default_card_not_one", "", "UPDATE payments_paymentmethod SET is_default = false"),
    (
        "status_off",
        "",
        f"DELETE FROM orders_ordertransition WHERE order_id = {COMPLETED} AND after = 'completed'",
    ),
    (
        "path_broken",
        "",
        f"""UPDATE orders_ordertransition SET before = 'canceled'
            WHERE order_id = {COMPLETED} AND after = 'completed'""",
    ),
    ("guard_missing", "order_one_live_per_item", ""),
    ("guard_missing", "", "ALTER TABLE credits_credittransaction DISABLE TRIGGER ALL"),
    (
        "secret_kept",
        "",
        """UPDATE payments_webhookevent SET payload = '{"client_secret": "pi_1_secret_2"}'
           WHERE id = (SELECT max(id) FROM payments_webhookevent)""",
    ),
    (
        "order_stuck",
        "",
        f"UPDATE orders_order SET expires_at = now() - interval '1 hour' WHERE id = {UNPAID}",
    ),
    (
        "processing_long",
        "",
        "UPDATE orders_order SET created_at = now() - interval '15 days' WHERE status = 'processing'",
    ),
    (
        "setup_intent_open",
        "",
        """INSERT INTO payments_setupintent (key, user_id, stripe_setup_intent_id, stripe_customer_id, created_at,
             expires_at) SELECT 'seti_of_before', id, '', 'cus_1', now() - interval '2 days', now() - interval '1 day'
           FROM accounts_user LIMIT 1""",
    ),
    (
        "kept_too_long",
        "",
        "UPDATE orders_order SET kept_until = now() - interval '1 hour' WHERE status = 'processing'",
    ),
    (
        "money_neither",
        "",
        """UPDATE payments_refund SET status = 'failed' WHERE order_id IN
             (SELECT id FROM orders_order WHERE status = 'paid');
           UPDATE orders_order SET paid_at = now() - interval '1 hour' WHERE status = 'paid'""",
    ),
    ("refund_unsent", "", a_refund("requested", "1", "", "1 hour")),
    ("refund_pending_long", "", a_refund("pending", "1", "re_planted", "31 days")),
    (
        "inbox_waiting",
        "",
        "UPDATE payments_webhookevent SET status = 'pending', received_at = now() - interval '1 hour'",
    ),
    (
        "mail_waiting",
        "",
        """INSERT INTO procrastinate_jobs (queue_name, task_name, args, attempts)
            VALUES ('default', 'payments.send_mail', '{}', 6)""",
    ),
    ("inbox_dead", "", "UPDATE payments_webhookevent SET status = 'dead'"),
    (
        "card_not_detached",
        "",
        f"""INSERT INTO payments_paymentmethod (user_id, stripe_payment_method_id, card_brand, last4, exp_month,
              exp_year, is_default, fingerprint, added_at, synced_at, detached_at, detach_pending)
            VALUES ({ONE.format("accounts_user")}, 'pm_planted', 'visa', '4242', 1, 2040, false, '', now(), now(),
              now() - interval '1 hour', true)""",
    ),
    (
        "contact_change_waiting",
        "",
        f"""INSERT INTO accounts_contactchange (user_id, seen_at)
            VALUES ({ONE.format("accounts_user")}, now() - interval '1 hour')""",
    ),
    (
        "contact_not_noted",
        "",
        """UPDATE accounts_user SET last_name = 'Berg' WHERE id =
             (SELECT min(user_id) FROM payments_stripecustomer WHERE stripe_customer_id <> '')""",
    ),
    (
        "booking_not_closed",
        "",
        f"UPDATE bookings_booking SET valid_until = now() - interval '1 hour' WHERE parent_id = {BUNDLE}",
    ),
    (
        "list_disagrees",
        "",
        """INSERT INTO payments_lookout (name, looked_until, looked_at, failing)
           VALUES ('planted', now() - interval '1 hour', now(), '{"pi_planted": {}}')""",
    ),
    (
        "worker_silent",
        "",
        "INSERT INTO payments_lookout (name, looked_until) VALUES ('planted', now() - interval '1 hour')",
    ),
    (
        "payment_without_event",
        "",
        f"""DELETE FROM payments_webhookevent WHERE type = 'payment_intent.succeeded';
            UPDATE orders_order SET paid_at = now() - interval '1 hour' WHERE id = {COMPLETED}""",
    ),
    ("not_the_owner", "", "UPDATE payments_stripeaccount SET standing = 'behind', judged_at = now()"),
]
