"""How long the doctor takes at a million orders: ``python -m benchmarks.doctor [ORDERS]``, in a database of its own.

Half of the orders buy credits, half a seat in a workshop; one in twenty is refunded. All of it is made in SQL, so this
needs a few minutes and two gigabytes of disk, and leaves nothing behind.
"""

import os
import sys
import time

import django

PEOPLE, SEATS = 20_000, 10  # buyers; seats in a session

FILL = {
    "people": """
        INSERT INTO accounts_user (id, password, is_superuser, first_name, last_name, is_staff, is_active, date_joined,
          email)
        SELECT n, '', false, 'Buyer', n::text, false, true, now(), 'buyer' || n || '@estuary.example'
        FROM generate_series(1, {people}) n;
        INSERT INTO accounts_practitioner (id, user_id, display_name, slug, headline, bio, time_zone)
        SELECT n, n, 'Host ' || n, 'host-' || n, '', '', 'UTC' FROM generate_series(1, 100) n;
        INSERT INTO catalog_service (id, practitioner_id, type, name, slug, category, summary, description, location,
          duration_min, slot_step_min, active, free_cancel_hours, bundle_quantity, bundle_bonus, created_at)
        SELECT n, n, 'workshop', 'Workshop ' || n, 'w-' || n, '', '', '', 'Online', 60, 30, true, 24, 0, 0, now()
        FROM generate_series(1, 100) n""",
    "sessions": """
        INSERT INTO catalog_calendarentry (id, practitioner_id, during)
        SELECT n, 1 + n % 100, tstzrange(now() + n * interval '1 hour', now() + (n + 1) * interval '1 hour')
        FROM generate_series(1, {sessions}) n;
        INSERT INTO catalog_servicesession (id, service_id, starts_at, ends_at, capacity, taken, calendar_entry_id)
        SELECT id, practitioner_id, lower(during), upper(during), {seats}, {seats}, id FROM catalog_calendarentry""",
    "orders": """
        INSERT INTO orders_order (id, public_id, user_id, type, status, item_key, snapshot, currency, total_minor,
          credits_applied_minor, amount_due_minor, credit_amount_minor, captured_minor, refunded_minor, payment_type,
          stripe_customer_id, stripe_payment_intent_id, stripe_checkout_session_id, attempt, posts,
          save_payment_method, stripe_payment_method_id, success_url, cancel_url, request_fingerprint, service_data,
          scheduling_data, disputed, failure_code, decline_code, failure_message, cancel_reason, expires_at,
          created_at, paid_at, completed_at)
        SELECT n, 'ord_' || n, 1 + n % {people}, CASE WHEN n % 2 = 0 THEN 'credit' ELSE 'direct' END,
          CASE WHEN n % 20 = 0 THEN 'partially_refunded' ELSE 'completed' END, 'item', '{{}}', 'usd', 5000, 0, 5000,
          CASE WHEN n % 2 = 0 THEN 5000 ELSE 0 END, 5000, CASE WHEN n % 20 = 0 THEN 1000 ELSE 0 END, 'intent',
          'cus_' || n % {people}, 'pi_' || n, '', 1, 0, true, '', '', '', '', '{{}}', '{{}}', false, '', '', '', '',
          now(), now(), now(), now()
        FROM generate_series(1, {orders}) n""",
    "transitions": """
        INSERT INTO orders_ordertransition (id, order_id, before, after, cause, at)
        SELECT 3 * o.id + step, o.id, (ARRAY['', 'pending', 'completed'])[step + 1],
          (ARRAY['pending', 'completed', 'partially_refunded'])[step + 1], 'benchmark', now()
        FROM orders_order o, generate_series(0, 2) step WHERE step < 2 OR o.status = 'partially_refunded'""",
    "seats": """
        INSERT INTO orders_orderline (id, order_id, position, service_type, service_name, amount_minor)
        SELECT id, id, 1, 'workshop', 'Workshop', 5000 FROM orders_order WHERE type = 'direct';
        INSERT INTO bookings_booking (id, user_id, order_id, position, line_id, service_name, service_type,
          practitioner_id, session_id, starts_at, ends_at, amount_minor, status, forfeited, created_at)
        SELECT o.id, o.user_id, o.id, 0, o.id, 'Workshop', 'workshop', s.service_id, s.id, s.starts_at, s.ends_at,
          5000, 'confirmed', false, now()
        FROM orders_order o JOIN catalog_servicesession s ON s.id = 1 + o.id / (2 * {seats})
        WHERE o.type = 'direct';
        INSERT INTO bookings_reservation (id, order_id, line_id, session_id, status, created_at)
        SELECT id, order_id, line_id, session_id, 'confirmed', now() FROM bookings_booking;
        INSERT INTO bookings_participant (id, session_id, user_id, booking_id, active, created_at)
        SELECT id, session_id, user_id, id, true, now() FROM bookings_booking""",
    "credits and refunds": """
        INSERT INTO payments_refund (public_id, order_id, currency, card_minor, credits_minor, status, origin, reason,
          cancels, stray, stripe_payment_intent_id, stripe_refund_id, failure_reason, request_key, attempt, created_at)
        SELECT 'ref_' || id, id, 'usd', 1000, 0, 'succeeded', 'staff', '', false, false, stripe_payment_intent_id,
          're_' || id, '', '', 1, now() FROM orders_order WHERE status = 'partially_refunded';
        INSERT INTO credits_creditaccount (id, user_id, currency, balance_minor)
        SELECT n, n, 'usd', 0 FROM generate_series(1, {people}) n;
        INSERT INTO credits_credittransaction (id, account_id, kind, amount_minor, balance_after_minor, order_id,
          effect, note, created_at)
        SELECT row_number() OVER (ORDER BY order_id, effect), account_id, kind, amount,
          sum(amount) OVER (PARTITION BY account_id ORDER BY order_id, effect), order_id, effect, '', now()
        FROM (SELECT id AS order_id, user_id AS account_id, 'purchase' AS kind, 5000 AS amount, 'purchase' AS effect
              FROM orders_order WHERE type = 'credit'
              UNION ALL
              SELECT id, user_id, 'refund', -1000, 'refund' FROM orders_order
              WHERE type = 'credit' AND status = 'partially_refunded') posted;
        UPDATE credits_creditaccount a SET balance_minor = line.total FROM (
          SELECT account_id, sum(amount_minor) AS total FROM credits_credittransaction GROUP BY account_id) line
        WHERE line.account_id = a.id""",
    "inbox": """
        INSERT INTO payments_webhookevent (stripe_event_id, type, api_version, livemode, payload, status, attempts,
          due_at, created_at, received_at, outcome, error)
        SELECT 'evt_' || n, 'payment_intent.succeeded', '', false,
          jsonb_build_object('data', jsonb_build_object('object', jsonb_build_object('id', 'pi_' || n))), 'done', 1,
          now(), now(), now(), '', '' FROM generate_series(1, {orders}) n""",
}


def main(orders: int) -> None:
    os.environ.setdefault("ESTUARY_SANDBOX", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    django.setup()
    # Modules with models can be imported only after django.setup().
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        _fill(orders)
        _examine()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _fill(orders: int) -> None:
    from django.db import connection

    sizes = {"orders": orders, "people": PEOPLE, "seats": SEATS, "sessions": orders // (2 * SEATS)}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for what, sql in FILL.items():
            started = time.monotonic()
            cursor.execute(sql.format(**sizes))
            print(f"made {what} in {time.monotonic() - started:.1f} s", flush=True)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _examine() -> None:
    from django.db import connection

    from estuary.common import clock
    from estuary.payments.doctor import RULES, run_checks

    at = clock.now()
    for turn in ("first", "second"):
        started = time.monotonic()
        run = run_checks(RULES, at=at)
        print(f"{turn} examination: {time.monotonic() - started:.1f} s, {len(RULES)} rules, {run.figures}")
        print("broken:", run.violations or "nothing")
    slowest = sorted(RULES, key=lambda rule: -run.seconds[rule.code])
    for rule in slowest:
        print(f"{run.seconds[rule.code]:7.2f} s  {rule.code}")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {slowest[0].sql}", slowest[0].parameters(at))
        print(f"\n{slowest[0].code}:")
        print("\n".join(line for (line,) in cursor.fetchall()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
