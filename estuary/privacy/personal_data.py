"""What each table has of a person, and what becomes of it when the person is erased. Every column of text is decided.

A table with a ``Personal`` entry has rows of a person, found by ``rows``. They are deleted whole, or the columns in
``erase`` get another value. ``kept`` has the columns of text that stay: codes, ids of Stripe's, what the books need.
Tables in ABOUT_NOBODY have no rows of a person. A new column of text in neither fails the tests (test_privacy).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from estuary.accounts.models import ERASED_DOMAIN

MINE = "user_id = %(user)s"
OF_MY_ORDERS = "order_id IN (SELECT id FROM orders_order WHERE user_id = %(user)s)"
OF_MY_PRACTICE = "practitioner_id IN (SELECT id FROM accounts_practitioner WHERE user_id = %(user)s)"
ERASED_EMAIL = f"'erased-' || {{id}} || '{ERASED_DOMAIN}'"
EMPTY = "''"


@dataclass(frozen=True, slots=True)
class Personal:
    """One table's rows of a person. ``hidden`` columns are secrets, and are not exported."""

    rows: str
    erase: Mapping[str, str] = field(default_factory=dict)
    kept: str = ""
    hidden: str = ""
    delete: bool = False


def _deleted(rows: str, hidden: str = "") -> Personal:
    return Personal(rows, delete=True, hidden=hidden)


EVENTS = "payments_webhookevent"

JOB_OF_MINE = (
    "status <> 'doing' AND (args ->> 'user_id' = %(user)s::text OR args::text ILIKE ANY(%(named)s)"
    " OR (args ->> 'order_id')::bigint IN (SELECT id FROM orders_order WHERE user_id = %(user)s))"
)
EVENT_OF_MINE = (
    "(payload::text ILIKE ANY(%(named)s) OR payload::text LIKE ANY(%(stripe_ids)s)"
    " OR payload #>> '{data,object,metadata,user_id}' = %(user)s::text)"
)
CAME_FROM = (
    "name IN ('payment user ' || %(user)s, 'sync user ' || %(user)s) OR name IN ("
    "SELECT door || ' address ' || came_from FROM payments_attempts, unnest(ARRAY['payment', 'sync']) door"
    " WHERE came_from <> '' AND name IN ('payment user ' || %(user)s, 'sync user ' || %(user)s))"
)

# In the order in which they are erased: what finds the rows of others comes after them.
PERSONAL: dict[str, Personal] = {
    "procrastinate_jobs": _deleted(JOB_OF_MINE),
    # Redacted by redaction.py, apart from the others: before them, and again when late events come.
    EVENTS: Personal(
        EVENT_OF_MINE,
        erase={"payload": "redacted", "error": EMPTY},
        kept="stripe_event_id type api_version status outcome",
    ),
    "payments_attempts": _deleted(CAME_FROM),
    "payments_idempotencykey": _deleted(MINE, hidden="key request_key fingerprint"),
    "payments_setupintent": _deleted(MINE),
    "payments_hold": _deleted(MINE),
    "mfa_authenticator": _deleted(MINE, hidden="data"),
    "account_emailconfirmation": _deleted(
        "email_address_id IN (SELECT id FROM account_emailaddress WHERE user_id = %(user)s)", hidden="key"
    ),
    "account_emailaddress": _deleted(MINE),
    "accounts_user_groups": _deleted(MINE),
    "accounts_user_user_permissions": _deleted(MINE),
    "django_session": _deleted("session_key = ANY(%(sessions)s)", hidden="session_key session_data"),
    "cache": _deleted("cache_key ILIKE ANY(%(named)s)", hidden="cache_key value"),
    "django_admin_log": Personal(
        "(object_repr ILIKE ANY(%(named)s) OR change_message ILIKE ANY(%(named)s)"
        " OR (object_id = ANY(%(orders)s) AND content_type_id IN (SELECT id FROM django_content_type"
        " WHERE (app_label, model) = ('orders', 'order')))"
        " OR (object_id = %(user)s::text AND content_type_id IN (SELECT id FROM django_content_type"
        " WHERE (app_label, model) = ('accounts', 'user'))))",
        erase={"object_repr": "'(erased)'", "change_message": "'(erased)'"},
        kept="object_id",
    ),
    "payments_refund": Personal(
        OF_MY_ORDERS,
        erase={"reason": EMPTY},
        kept="public_id stripe_payment_intent_id stripe_refund_id currency status origin failure_reason request_key",
    ),
    "payments_dispute": Personal(
        OF_MY_ORDERS,
        kept="stripe_dispute_id stripe_charge_id stripe_payment_intent_id currency reason status",
    ),
    "payments_paymentmethod": Personal(
        MINE,
        erase={
            "card_brand": EMPTY,
            "last4": EMPTY,
            "fingerprint": EMPTY,
            "exp_month": "1",
            "exp_year": "1970",
            "is_default": "false",
            "detached_at": "coalesce(detached_at, now())",
            "detach_pending": "false",
        },
        kept="stripe_payment_method_id",
    ),
    "payments_stripecustomer": Personal(
        MINE,
        erase={
            "email": ERASED_EMAIL.format(id="user_id"),
            "name": EMPTY,
            "stripe_customer_id": EMPTY,
            "update_key": EMPTY,
        },
        kept="key",
    ),
    "credits_creditaccount": Personal(MINE, kept="currency"),
    "credits_credittransaction": Personal(
        "account_id IN (SELECT id FROM credits_creditaccount WHERE user_id = %(user)s)",
        erase={"note": EMPTY},
        kept="kind effect",
    ),
    "bookings_booking": Personal(MINE, kept="service_name service_type status"),
    "bookings_participant": Personal(MINE),
    "bookings_reservation": Personal(OF_MY_ORDERS, kept="status"),
    "orders_orderline": Personal(OF_MY_ORDERS, kept="service_type service_name"),
    "orders_ordertransition": Personal(OF_MY_ORDERS, kept="before after cause"),
    "orders_order": Personal(
        MINE,
        erase={
            "service_data": "'{}'",
            "scheduling_data": "'{}'",
            "success_url": EMPTY,
            "cancel_url": EMPTY,
            "failure_message": EMPTY,
            "request_fingerprint": EMPTY,
        },
        kept="public_id type status item_key snapshot currency payment_type stripe_customer_id"
        " stripe_payment_intent_id stripe_checkout_session_id stripe_payment_method_id failure_code decline_code"
        " cancel_reason",
    ),
    "catalog_service": Personal(
        OF_MY_PRACTICE,
        erase={"summary": EMPTY, "description": EMPTY, "location": EMPTY, "active": "false"},
        kept="type name slug category",
    ),
    "accounts_practitioner": Personal(
        MINE,
        erase={
            "display_name": "'Former practitioner'",
            "slug": "'erased-' || user_id",
            "headline": EMPTY,
            "bio": EMPTY,
        },
        kept="time_zone",
    ),
    "accounts_user": Personal(
        "id = %(user)s",
        erase={
            "first_name": EMPTY,
            "last_name": EMPTY,
            "email": ERASED_EMAIL.format(id="id"),
            "password": "'!'",
            "is_active": "false",
            "is_staff": "false",
            "is_superuser": "false",
            "last_login": "NULL",
            "email_verified_at": "NULL",
        },
        hidden="password",
    ),
    # Written by a trigger of the user's table just before: there is no customer any more that could follow.
    "accounts_contactchange": _deleted(MINE),
    "privacy_erasure": Personal(MINE, kept="stripe_ids"),
}

ABOUT_NOBODY: dict[str, str] = {
    "auth_group": "name",
    "auth_permission": "name codename",
    "catalog_serviceprice": "currency",
    "django_content_type": "app_label model",
    "django_migrations": "app name",
    "payments_decline": "name",
    "payments_hourlyalert": "code",
    "payments_lookout": "name failing",
    "payments_orphan": "stripe_payment_intent_id order_ref currency fate",
    "payments_stripeaccount": "account_id home house mark standing judged_home",
    "procrastinate_events": "type",
    "procrastinate_periodic_defers": "task_name periodic_id",
}
