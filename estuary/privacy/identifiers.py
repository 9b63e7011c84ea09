"""A person's identifiers in texts, events, jobs and sessions: names, addresses and Stripe ids."""

from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection

from estuary.accounts.models import Practitioner, User

STRIPE_IDS = """
    SELECT stripe_customer_id FROM payments_stripecustomer WHERE user_id = %(user)s
    UNION SELECT unnest(stripe_ids) FROM privacy_erasure WHERE user_id = %(user)s
    UNION SELECT unnest(ARRAY[stripe_customer_id, stripe_setup_intent_id])
        FROM payments_setupintent WHERE user_id = %(user)s
    UNION SELECT stripe_payment_method_id FROM payments_paymentmethod WHERE user_id = %(user)s
    UNION SELECT unnest(ARRAY[stripe_customer_id, stripe_payment_intent_id, stripe_checkout_session_id])
        FROM orders_order WHERE user_id = %(user)s
    UNION SELECT r.stripe_payment_intent_id FROM payments_refund r JOIN orders_order o ON o.id = r.order_id
        WHERE o.user_id = %(user)s"""


def find_identifiers(user: User) -> dict[str, Any]:
    """Return the parameters of the conditions in personal_data.py."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM orders_order WHERE user_id = %s", [user.pk])
        orders = [row[0] for row in cursor.fetchall()]
    practices = Practitioner.objects.filter(user=user).values_list("display_name", flat=True)
    names = [name for name in [user.get_full_name(), user.billing_name, *practices] if " " in name]
    emails = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    return {
        "user": user.pk,
        "named": [_like(name) for name in [*names, *sorted(emails)]],
        "stripe_ids": [_like(name) for name in sorted(find_stripe_ids(user.pk))],
        "orders": orders,
        "sessions": _session_keys(user),
    }


def find_stripe_ids(user_id: int) -> set[str]:
    """Return the ids of a user's Stripe objects: customer, payments, sessions, payment methods, SetupIntents."""
    with connection.cursor() as cursor:
        cursor.execute(STRIPE_IDS, {"user": user_id})
        return {row[0] for row in cursor.fetchall()} - {""}


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _session_keys(user: User) -> list[str]:
    """Return the sessions of a user, and unfinished sign-ins with the user's address."""
    sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    keys = []
    for session in sessions.objects.iterator():
        content = session.get_decoded()
        if content.get("_auth_user_id") == str(user.pk) or user.email.lower() in str(content).lower():
            keys.append(session.session_key)
    return keys
