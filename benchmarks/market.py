"""Thousands of pending orders, created in SQL with the same rows as placing them.

Of ten orders four buy credits, three a seat in a workshop, two a session, one a package of both. Each has a buyer of
its own, every second of whom has bought before and so has an account.
"""

import json

import psycopg

from benchmarks.events import AMOUNT, CUSTOMER, TYPE, Payment, signed
from demo.plan import API_VERSION

type Database = "psycopg.Connection[tuple[object, ...]]"

HOSTS = 100  # each gives one workshop, one session and one package
NAIVE_ORDERS = """
    INSERT INTO naive_order (stripe_payment_intent_id, user_id, amount, status)
    SELECT 'pi_' || lpad(n::text, 24, 'x'), n %% 20000, 5000, 'pending' FROM generate_series(1, %s) n"""

# Deleted with all rows that reference them.
TABLES = (
    "accounts_user",
    "catalog_calendarentry",
    "payments_webhookevent",
    "payments_attempts",
    "procrastinate_jobs",
)
NUMBERED = (
    "accounts_user", "accounts_practitioner", "catalog_service", "catalog_servicesession", "catalog_calendarentry",
    "orders_order", "orders_orderline", "bookings_reservation",
)  # fmt: skip
PEOPLE = """
    INSERT INTO accounts_user (id, password, is_superuser, first_name, last_name, is_staff, is_active, date_joined,
      email)
    SELECT n, '', false, 'Buyer', n::text, false, true, now(), 'buyer' || n || '@estuary.example'
    FROM generate_series({first_person}, {people}) n"""
SERVICES = """
    INSERT INTO accounts_practitioner (id, user_id, display_name, slug, headline, bio, time_zone)
    SELECT n, n, 'Host ' || n, 'host-' || n, '', '', 'UTC' FROM generate_series(1, {hosts}) n;
    INSERT INTO catalog_service (id, practitioner_id, type, name, slug, category, summary, description, location,
      duration_min, slot_step_min, active, free_cancel_hours, bundle_quantity, bundle_bonus, created_at)
    SELECT kind * 1000 + n, n, (ARRAY['workshop', 'session', 'package'])[kind], 'The service ' || kind || ' ' || n,
      's-' || kind || '-' || n, '', '', '', 'Online', 60, 30, true, 24, 0, 0, now()
    FROM generate_series(1, {hosts}) n, generate_series(1, 3) kind;
    INSERT INTO catalog_calendarentry (id, practitioner_id, during)
    SELECT n, n, tstzrange(now() + interval '2 days', now() + interval '2 days 2 hours')
    FROM generate_series(1, {hosts}) n;
    INSERT INTO catalog_servicesession (id, service_id, starts_at, ends_at, capacity, taken, calendar_entry_id)
    SELECT id, 1000 + practitioner_id, lower(during), upper(during), 1000000000,
      (SELECT count(*) FROM generate_series(1, {orders}) n WHERE n % 10 IN (4, 5, 6) AND 1 + n / 10 % {hosts} = id), id
    FROM catalog_calendarentry"""
# The base of every statement below: order n with its kind (0 credits, 1 workshop, 2 session, 3 package) and host.
ORDER_ROWS = """
    (SELECT n, {hosts} + n AS buyer, 1 + n / 10 % {hosts} AS host,
      (ARRAY[0, 0, 0, 0, 1, 1, 1, 2, 2, 3])[n % 10 + 1] AS kind,
      date_trunc('day', now()) + interval '30 days' + (n / 1000 * 2 + n % 10 - 7) * interval '1 hour' AS slot
    FROM generate_series({first}, {orders}) n) order_rows"""
ORDERS = """
    INSERT INTO orders_order (id, public_id, user_id, type, status, item_key, service_id, snapshot, currency,
      total_minor, credits_applied_minor, amount_due_minor, credit_amount_minor, captured_minor, refunded_minor,
      payment_type, stripe_customer_id, stripe_payment_intent_id, stripe_checkout_session_id, attempt, posts,
      save_payment_method, stripe_payment_method_id, success_url, cancel_url, request_fingerprint, service_data,
      scheduling_data, disputed, failure_code, decline_code, failure_message, cancel_reason, expires_at, created_at,
      asked_at)
    SELECT n, 'ord_' || lpad(n::text, 16, 'x'), buyer, CASE kind WHEN 0 THEN 'credit' ELSE 'direct' END, 'pending',
      CASE kind WHEN 0 THEN 'credits:usd' ELSE 'service:' || kind * 1000 + host END,
      CASE WHEN kind > 0 THEN kind * 1000 + host END,
      CASE kind WHEN 0 THEN jsonb_build_object('name', 'Credits', 'type', 'credit', 'price_minor', {amount})
        ELSE jsonb_build_object('name', 'The service ' || kind || ' ' || host,
          'type', (ARRAY['workshop', 'session', 'package'])[kind], 'price_minor', {amount},
          'service_id', kind * 1000 + host, 'practitioner_id', host, 'practitioner', 'Host ' || host,
          'free_cancel_hours', 24, 'validity_days', null) END,
      'usd', {amount}, 0, {amount}, CASE kind WHEN 0 THEN {amount} ELSE 0 END, 0, 0, 'intent', '{customer}',
      'pi_' || lpad(n::text, 24, 'x'), '', 1, 0, true, '', '', '', '', '{{}}', '{{}}', false, '', '', '', '',
      now() + interval '1 day', now(), now()
    FROM {order_rows};
    INSERT INTO orders_ordertransition (order_id, before, after, cause, at)
    SELECT n, '', 'pending', 'placed by the buyer', now() FROM {order_rows}"""
LINES = """
    INSERT INTO catalog_calendarentry (id, practitioner_id, during)
    SELECT 1000 + n, host, tstzrange(slot, slot + interval '1 hour') FROM {order_rows} WHERE kind = 2;
    INSERT INTO orders_orderline (id, order_id, position, service_id, service_type, service_name, amount_minor,
      session_id, starts_at, ends_at)
    SELECT 2 * n, n, 1, 1000 + host, 'workshop', 'The service 1 ' || host, {amount}, s.id, s.starts_at, s.ends_at
    FROM {order_rows} JOIN catalog_servicesession s ON s.id = host WHERE kind = 1
    UNION ALL
    SELECT 2 * n, n, 1, 2000 + host, 'session', 'The service 2 ' || host, {amount}, NULL, slot,
      slot + interval '1 hour' FROM {order_rows} WHERE kind = 2
    UNION ALL
    SELECT 2 * n + inside - 1, n, inside, inside * 1000 + host, (ARRAY['workshop', 'session'])[inside],
      'The service ' || inside || ' ' || host, {amount} / 2, NULL, NULL, NULL
    FROM {order_rows}, generate_series(1, 2) inside WHERE kind = 3;
    INSERT INTO bookings_reservation (id, order_id, line_id, session_id, calendar_entry_id, status, created_at)
    SELECT n, n, 2 * n, CASE kind WHEN 1 THEN host END, CASE kind WHEN 2 THEN 1000 + n END, 'held', now()
    FROM {order_rows} WHERE kind IN (1, 2)"""
ACCOUNTS = """
    INSERT INTO credits_creditaccount (user_id, currency, balance_minor, frozen_minor)
    SELECT buyer, 'usd', 0, 0 FROM {order_rows} WHERE n % 2 = 0"""
EVENTS = """
    INSERT INTO payments_webhookevent (stripe_event_id, type, api_version, livemode, payload, status, attempts, due_at,
      created_at, received_at, outcome, error)
    SELECT 'evt_' || lpad(n::text, 24, 'x'), %(type)s, %(version)s, false,
      replace(%(payload)s, lpad('1', 24, 'x'), lpad(n::text, 24, 'x'))::jsonb, 'pending', 0, now(), now(), now(), '', ''
    FROM generate_series(%(first)s::bigint, %(orders)s::bigint) n"""


def fill(database: Database, orders: int, *, first: int = 1) -> None:
    """Create the pending orders ``first`` to ``orders``; ``first=1`` deletes all other rows before."""
    sizes = {
        "first": first,
        "orders": orders,
        "first_person": first if first == 1 else first + HOSTS,
        "people": orders + HOSTS,
        "hosts": HOSTS,
        "amount": AMOUNT,
        "customer": CUSTOMER,
    }
    order_rows = ORDER_ROWS.format(**sizes)
    if first == 1:
        # One session of each host takes all its guests, more than a session may have.
        database.execute("ALTER TABLE catalog_servicesession DROP CONSTRAINT IF EXISTS session_within_limits")
        database.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
    with database.transaction():
        database.execute(
            "SET LOCAL session_replication_role = replica"
        )  # all is as it must be: no need to check
        for statement in (PEOPLE, *([SERVICES] if first == 1 else []), ORDERS, LINES, ACCOUNTS):
            database.execute(statement.format(**sizes, order_rows=order_rows))
        for table in NUMBERED:
            database.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")


def fill_inbox(database: Database, orders: int, *, first: int = 1, slim: bool = False) -> None:
    """Put the events of all payments into the inbox as the web server does, or (``slim``) with an id only."""
    event = json.loads(next(signed([Payment.number(1)]))[0])
    if slim:
        event = {"data": {"object": {"id": event["data"]["object"]["id"], "metadata": {}}}}
    for secret in ("client_secret", "next_action"):
        event["data"]["object"].pop(secret, None)
    event["data"]["object"]["metadata"]["order_id"] = ""  # the intent says whose it is
    database.execute(
        EVENTS,
        {
            "type": TYPE,
            "version": API_VERSION,
            "payload": json.dumps(event),
            "first": first,
            "orders": orders,
        },
    )
