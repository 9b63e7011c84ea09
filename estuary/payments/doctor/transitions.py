"""Rules of history: orders follow states.py, the database has all its constraints, the inbox has no secrets."""

from django.apps import apps

from estuary.common.observability.redaction import CLIENT_SECRET_PATTERN
from estuary.orders.states import NEXT
from estuary.payments.doctor.check import Rule

OWN_APPS = ("accounts", "catalog", "orders", "bookings", "credits", "payments", "documents")
# Reading the whole inbox would take longer than all other rules.
NEWEST_EVENTS_READ = 1000


def _allowed_steps() -> str:
    """Return the allowed status changes as SQL values; an order starts as pending."""
    steps = [
        ("", "pending"),
        *((before, after) for before, afters in NEXT.items() for after in sorted(afters)),
    ]
    return ", ".join(f"('{before}', '{after}')" for before, after in steps)


def _guard_values() -> str:
    """Return the names of all constraints and indexes of our models as SQL values."""
    models = (model for label in OWN_APPS for model in apps.get_app_config(label).get_models())
    guards = (guard for model in models for guard in (*model._meta.constraints, *model._meta.indexes))
    return ", ".join(f"('{guard.name}')" for guard in guards)


TRANSITION_RULES = (
    Rule(
        code="status_off",
        sentence="The status of an order is where its last transition led.",
        sql="""
            SELECT 'order ' || o.public_id, o.status || ', last transition to ' || coalesce(t.after, 'nothing')
            FROM orders_order o
            LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, after FROM orders_ordertransition
                       ORDER BY order_id, id DESC) t ON t.order_id = o.id
            WHERE o.status IS DISTINCT FROM t.after""",
        remedy="Compare with the payment in Stripe's dashboard; set the status that fits, with a transition for it.",
    ),
    Rule(
        code="path_broken",
        sentence="Each transition leads on from the one before, along a path that is allowed.",
        sql=f"""
            SELECT 'order ' || o.public_id,
                   'from ' || coalesce(nullif(step.before, ''), 'nothing') || ' to ' || step.after
                   || ', after ' || coalesce(nullif(step.came_from, ''), 'nothing')
            FROM (SELECT order_id, before, after,
                         lag(after, 1, '') OVER (PARTITION BY order_id ORDER BY id) AS came_from
                  FROM orders_ordertransition) step
            JOIN orders_order o ON o.id = step.order_id
            WHERE step.before <> step.came_from OR (step.before, step.after) NOT IN (VALUES {_allowed_steps()})""",  # noqa: S608 (our own names)
        remedy="Something wrote the status past Order.become; read the transitions' causes, and find it.",
    ),
    Rule(
        code="guard_missing",
        sentence="The database has all its guards: constraints, unique indexes, triggers of ledger and receipts.",
        sql=f"""
            SELECT 'guard ' || guard.name, 'not there, or not in force'
            FROM (VALUES {_guard_values()}) AS guard (name)
            WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = guard.name AND c.convalidated)
              AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
                              WHERE c.relname = guard.name AND i.indisvalid)
            UNION ALL
            SELECT 'trigger append_only', name || ' can be changed'
            FROM (VALUES ('credits_credittransaction'), ('documents_receipt'), ('documents_creditnote')) kept (name)
            WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = name::regclass
                              AND t.tgname LIKE 'pgtrigger_append_only_%' AND t.tgenabled IN ('O', 'A'))""",  # noqa: S608 (our own names)
        remedy="Run manage.py migrate; when all migrations have run, make the guard by hand as its migration does.",
    ),
    Rule(
        code="secret_kept",
        sentence="No client secret is in the inbox.",
        sql=f"""
            SELECT 'event ' || stripe_event_id, 'its payload has a client secret'
            FROM (SELECT stripe_event_id, payload FROM payments_webhookevent
                  ORDER BY id DESC LIMIT {NEWEST_EVENTS_READ}) newest
            WHERE payload::text ~ '[^\\\\]"client_secret":|{CLIENT_SECRET_PATTERN}'""",  # noqa: S608 (a number and a pattern of ours)
        remedy="Delete the key from the payload. With the secret, anybody can pay for the order, but do nothing else.",
    ),
)
