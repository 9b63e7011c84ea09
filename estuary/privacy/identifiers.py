"""A person's identifiers in texts, events, jobs and sessions: e-mail addresses and Stripe ids, always whole."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection

from estuary.accounts.models import User

# An address is found in a text only where no longer address could hold it. Every sign that one may have bounds it.
EMAIL_START, EMAIL_END = r"(?<![\w.!#$%&'*+/=?^`{|}~@-])", r"(?![\w@-]|\.\w)"
NOTHING = "(?!)"

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


def find_identifiers(user: User, *, with_sessions: bool = False) -> dict[str, Any]:
    """Return the parameters of the conditions in personal_data.py. Finding sessions reads all of them.

    No name is among them. People choose their own: a name can be any piece of the texts of others.
    """
    emails = _find_emails(user)
    confirmed = {user.email.lower()} if user.email_verified_at else set()
    confirmed |= {email for email, is_verified in emails.items() if is_verified}
    return {
        "user": user.pk,
        "emails": sorted(emails),
        "confirmed_emails": sorted(confirmed),
        "email_pattern": match_any(emails, EMAIL_START, EMAIL_END),
        "confirmed_email_pattern": match_any(confirmed, EMAIL_START, EMAIL_END),
        "stripe_ids": sorted(find_stripe_ids(user.pk)),
        "sessions": _find_session_keys(user, frozenset(emails)) if with_sessions else [],
    }


def _find_emails(user: User) -> dict[str, bool]:
    """Return a user's addresses in lower case, and whether each is verified."""
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified")
    return {user.email.lower(): False} | {email.lower(): is_verified for email, is_verified in rows}


def match_any(texts: Iterable[str], start: str, end: str) -> str:
    """Return a pattern of PostgreSQL that finds any of the texts between two boundaries; without texts, nothing."""
    alternatives = "|".join(re.sub(r"(\W)", r"\\\1", text) for text in sorted(texts))
    return f"{start}(?:{alternatives}){end}" if alternatives else NOTHING


def find_stripe_ids(user_id: int) -> set[str]:
    """Return the ids of a user's Stripe objects: customer, payments, sessions, payment methods, SetupIntents."""
    with connection.cursor() as cursor:
        cursor.execute(STRIPE_IDS, {"user": user_id})
        return {row[0] for row in cursor.fetchall()} - {""}


def _find_session_keys(user: User, emails: frozenset[str]) -> list[str]:
    """Return the sessions of a user, and unfinished sign-ins with one of the user's addresses.

    A session of another user may hold such an address too: the other had it before.
    """
    sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    keys = []
    for session in sessions.objects.iterator():
        content = session.get_decoded()
        signed_in = content.get("_auth_user_id")
        begun_by_user = signed_in is None and not emails.isdisjoint(_strings_in(content))
        if signed_in == str(user.pk) or begun_by_user:
            keys.append(session.session_key)
    return keys


def _strings_in(value: Any) -> Iterator[str]:
    """Yield each string of a decoded JSON value whole, in lower case."""
    match value:
        case str():
            yield value.lower()
        case dict():
            for inner in value.values():
                yield from _strings_in(inner)
        case list() | tuple():
            for inner in value:
                yield from _strings_in(inner)
