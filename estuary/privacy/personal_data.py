"""The personal data in each table, and what an erasure does with it. Every text column is classified.

A ``Personal`` entry finds a person's rows by ``rows``. An erasure deletes them (``delete``), or sets the columns in
``erase``. The text columns in ``keep`` stay: codes, Stripe ids, accounting data. Tables in NOT_PERSONAL have no
personal rows. The tests fail for a text column that is in neither (test_privacy).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from estuary.accounts.models import ERASED_DOMAIN

OWN_ROWS = "user_id = %(user)s"
ROWS_OF_OWN_ORDERS = "order_id IN (SELECT id FROM orders_order WHERE user_id = %(user)s)"
ROWS_OF_OWN_RECEIPTS = f"receipt_id IN (SELECT id FROM documents_receipt WHERE {ROWS_OF_OWN_ORDERS})"  # noqa: S608 (ours)
ROWS_OF_OWN_PRACTICE = "practitioner_id IN (SELECT id FROM accounts_practitioner WHERE user_id = %(user)s)"
ERASED_EMAIL = f"'erased-' || {{id}} || '{ERASED_DOMAIN}'"
EMPTY = "''"


@dataclass(frozen=True, slots=True)
class Personal:
    """A person's rows in one table. ``hidden`` columns are secrets, and are not exported.

    In a table that ``is_searched`` no index finds the rows.
    """

    rows: str
    erase: Mapping[str, str] = field(default_factory=dict)
    keep: str = ""
    hidden: str = ""
    delete: bool = False
    is_searched: bool = False


def _delete_rows(rows: str, hidden: str = "", *, is_searched: bool = False) -> Personal:
    return Personal(rows, delete=True, hidden=hidden, is_searched=is_searched)


def _empty(columns: str) -> dict[str, str]:
    return dict.fromkeys(columns.split(), EMPTY)


EVENTS = "payments_webhookevent"

# A value of JSON counts only whole: a piece of one may be of anybody. An address does not count in what names another
# user: it may have been the other's before.
STRINGS = (
    "SELECT json #>> '{}' AS string FROM jsonb_path_query(%s, 'strict $.** ? (@.type() == \"string\")') json"
)
STRINGS_OF_JOB, STRINGS_OF_EVENT = STRINGS % "args", STRINGS % "payload"
JOB_MENTIONS_PERSON = (
    "status <> 'doing' AND (args ->> 'user_id' = %(user)s::text"  # noqa: S608 (ours)
    " OR (args ->> 'order_id')::bigint IN (SELECT id FROM orders_order WHERE user_id = %(user)s)"
    " OR (args ->> 'user_id' IS NULL"
    f" AND EXISTS (SELECT FROM ({STRINGS_OF_JOB}) texts WHERE lower(string) = ANY(%(emails)s)))"
    " OR (task_name = 'payments.alert_staff' AND args ->> 'text' ~* %(email_pattern)s))"
)
EVENT_MENTIONS_PERSON = (
    "(payload #>> '{data,object,metadata,user_id}' = %(user)s::text"
    f" OR EXISTS (SELECT FROM ({STRINGS_OF_EVENT}) texts WHERE string = ANY(%(stripe_ids)s)"
    " OR (lower(string) = ANY(%(confirmed_emails)s) AND payload #>> '{data,object,metadata,user_id}' IS NULL)))"
)
OWN_OBJECTS = {
    "accounts_user": "id = %(user)s",
    "accounts_practitioner": OWN_ROWS,
    "catalog_venue": ROWS_OF_OWN_PRACTICE,
    "orders_order": OWN_ROWS,
    "bookings_booking": OWN_ROWS,
    "credits_creditaccount": OWN_ROWS,
    "payments_refund": ROWS_OF_OWN_ORDERS,
    "payments_dispute": ROWS_OF_OWN_ORDERS,
    "payments_paymentmethod": OWN_ROWS,
    "payments_stripecustomer": OWN_ROWS,
    "payments_datechange": f"(requested_by_id = %(user)s OR {ROWS_OF_OWN_PRACTICE})",
}
IS_OWN_OBJECT = " UNION ALL ".join(
    "SELECT (SELECT id FROM django_content_type WHERE app_label || '_' || model ="  # noqa: S608 (ours)
    f" '{table}'), id::text FROM {table} WHERE {rows}"
    for table, rows in OWN_OBJECTS.items()
)
ENTRY_MENTIONS_PERSON = (
    f"((content_type_id, object_id) IN ({IS_OWN_OBJECT})"
    " OR object_repr ~* %(confirmed_email_pattern)s OR change_message ~* %(confirmed_email_pattern)s)"
)
# Not those of the person's IP addresses: they count what others do there, and would forgive a card tester the declines.
RATE_LIMIT_ROWS = "name IN ('payment user ' || %(user)s, 'sync user ' || %(user)s)"

# In the order of erasure: a table that helps to find the rows of others comes after those.
PERSONAL: dict[str, Personal] = {
    "procrastinate_jobs": _delete_rows(JOB_MENTIONS_PERSON, is_searched=True),
    # Redacted by redaction.py instead: before the other tables, and again when later events arrive.
    EVENTS: Personal(
        EVENT_MENTIONS_PERSON,
        erase={"payload": "redacted"} | _empty("error"),
        keep="stripe_event_id type api_version status outcome",
        is_searched=True,
    ),
    "payments_attempts": _delete_rows(RATE_LIMIT_ROWS),
    "payments_idempotencykey": _delete_rows(OWN_ROWS, hidden="key request_key fingerprint"),
    # The proof that a card was saved as its owner wished. It names nobody once the user is erased.
    "payments_consent": Personal(OWN_ROWS, erase={"setup_intent_id": "NULL"}, keep="purpose wording_id text"),
    "payments_setupintent": _delete_rows(OWN_ROWS),
    "payments_hold": _delete_rows(OWN_ROWS),
    "bookings_rosterfeed": _delete_rows(ROWS_OF_OWN_PRACTICE, hidden="token_hash"),
    "mfa_authenticator": _delete_rows(OWN_ROWS, hidden="data"),
    "account_emailconfirmation": _delete_rows(
        "email_address_id IN (SELECT id FROM account_emailaddress WHERE user_id = %(user)s)", hidden="key"
    ),
    "account_emailaddress": _delete_rows(OWN_ROWS),
    "accounts_user_groups": _delete_rows(OWN_ROWS),
    "accounts_user_user_permissions": _delete_rows(OWN_ROWS),
    "django_session": _delete_rows(
        "session_key = ANY(%(sessions)s)", hidden="session_key session_data", is_searched=True
    ),
    # Keys that hold an address hold its hash, and end with the day.
    "cache": _delete_rows(
        "cache_key LIKE '%%:user:' || %(user)s", hidden="cache_key value", is_searched=True
    ),
    "django_admin_log": Personal(
        ENTRY_MENTIONS_PERSON,
        erase={"object_repr": "'(erased)'", "change_message": "'(erased)'"},
        keep="object_id",
        is_searched=True,
    ),
    # What was written to the person. A practitioner's mail about a guest's order is the practitioner's.
    "payments_sentmail": Personal(OWN_ROWS, erase=_empty("address error"), keep="key kind status"),
    "payments_refund": Personal(
        ROWS_OF_OWN_ORDERS,
        erase=_empty("reason"),
        keep="public_id stripe_payment_intent_id stripe_refund_id currency status origin failure_reason request_key",
    ),
    # What a practitioner wrote to guests; each mail of it is above.
    "payments_guestmessage": Personal(
        f"({ROWS_OF_OWN_PRACTICE} OR booking_id IN (SELECT id FROM bookings_booking WHERE {OWN_ROWS}))",  # noqa: S608 (ours)
        erase=_empty("text request_key"),
        keep="public_id",
        hidden="request_key",
    ),
    # What was done about the orders of a person, and what a practitioner wrote to guests.
    "payments_datechangerow": Personal(ROWS_OF_OWN_ORDERS, keep="act tender line currency why status"),
    "payments_datechange": Personal(
        f"(requested_by_id = %(user)s OR {ROWS_OF_OWN_PRACTICE})",
        erase=_empty("message reason"),
        keep="public_id preview_id kind status title",
    ),
    "payments_dispute": Personal(
        ROWS_OF_OWN_ORDERS,
        keep="stripe_dispute_id stripe_charge_id stripe_payment_intent_id currency reason status",
    ),
    "payments_fraudnotice": Personal(
        ROWS_OF_OWN_ORDERS,
        keep="stripe_notice_id kind stripe_charge_id stripe_payment_intent_id reason closed_reason",
    ),
    "payments_paymentmethod": Personal(
        OWN_ROWS,
        erase=_empty("card_brand last4 fingerprint")
        | {
            "exp_month": "1",
            "exp_year": "1970",
            "is_default": "false",
            "detached_at": "coalesce(detached_at, now())",
            "detach_pending": "false",
        },
        # Computed from card_brand, so it is erased with it.
        keep="stripe_payment_method_id card_brand_name",
    ),
    "payments_stripecustomer": Personal(
        OWN_ROWS,
        erase={"email": ERASED_EMAIL.format(id="user_id")} | _empty("name stripe_customer_id update_key"),
        keep="key house",
    ),
    "credits_creditaccount": Personal(OWN_ROWS, keep="currency"),
    "credits_credittransaction": Personal(
        "account_id IN (SELECT id FROM credits_creditaccount WHERE user_id = %(user)s)",
        erase=_empty("note"),
        keep="kind effect",
    ),
    "bookings_booking": Personal(OWN_ROWS, keep="service_name service_type status"),
    "bookings_bookingmove": Personal(ROWS_OF_OWN_ORDERS),
    "bookings_participant": Personal(OWN_ROWS),
    "bookings_reservation": Personal(ROWS_OF_OWN_ORDERS, keep="status"),
    # Tax law has a receipt kept as it was issued, with the buyer's name and address.
    "documents_creditnote": Personal(
        ROWS_OF_OWN_RECEIPTS,
        erase=_empty("buyer_email"),
        keep="seller number seller_name seller_address seller_country seller_tax_id seller_email seller_time_zone"
        " buyer_name buyer_address currency lines tax_label tax_note",
    ),
    "documents_receipt": Personal(
        ROWS_OF_OWN_ORDERS,
        erase=_empty("buyer_email method_last4"),
        keep="seller number seller_name seller_address seller_country seller_tax_id seller_email seller_time_zone"
        " buyer_name buyer_address currency lines tax_label tax_note method_type method_brand",
    ),
    "orders_orderline": Personal(ROWS_OF_OWN_ORDERS, keep="service_type service_name"),
    "orders_ordertransition": Personal(ROWS_OF_OWN_ORDERS, keep="before after cause"),
    "orders_order": Personal(
        OWN_ROWS,
        erase={"service_data": "'{}'", "scheduling_data": "'{}'"}
        | _empty("success_url cancel_url failure_message request_fingerprint time_zone"),
        keep="public_id type status item_key snapshot currency payment_type stripe_customer_id"
        " stripe_payment_intent_id stripe_checkout_session_id stripe_payment_method_id failure_code decline_code"
        " cancel_reason",
    ),
    "catalog_venue": Personal(
        ROWS_OF_OWN_PRACTICE, erase=_empty("name address directions map_url"), keep="time_zone"
    ),
    # When a practitioner works tells how the person lives.
    "catalog_availability": _delete_rows(ROWS_OF_OWN_PRACTICE),
    "catalog_availabilityexception": _delete_rows(ROWS_OF_OWN_PRACTICE),
    "catalog_servicesession": Personal(
        f"service_id IN (SELECT id FROM catalog_service WHERE {ROWS_OF_OWN_PRACTICE})",  # noqa: S608 (ours)
        erase=_empty("join_url"),
    ),
    "catalog_service": Personal(
        ROWS_OF_OWN_PRACTICE,
        erase=_empty("summary description location join_url") | {"active": "false"},
        keep="type name slug category",
    ),
    "accounts_practitioner": Personal(
        OWN_ROWS,
        erase={"display_name": "'Former practitioner'", "slug": "'erased-' || user_id"}
        | _empty("headline bio"),
        keep="time_zone",
    ),
    "accounts_user": Personal(
        "id = %(user)s",
        erase=_empty("first_name last_name billing_name billing_address")
        | {
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
    # Inserted by a trigger of the user's table just before. There is no customer left to update.
    "accounts_contactchange": _delete_rows(OWN_ROWS),
    "privacy_erasure": Personal(OWN_ROWS, keep="stripe_ids"),
}

NOT_PERSONAL: dict[str, str] = {
    "auth_group": "name",
    "auth_permission": "name codename",
    "catalog_serviceprice": "currency",
    "django_content_type": "app_label model",
    "documents_numbercounter": "seller series",
    "django_migrations": "app name",
    "payments_decline": "name",
    "payments_hourlyalert": "code",
    "payments_lookout": "name failing",
    "payments_orphan": "stripe_payment_intent_id order_ref currency fate",
    "payments_refusal": "source reason key_digest detail",
    "payments_stripeaccount": "account_id home house mark standing judged_home",
    "procrastinate_events": "type",
    "procrastinate_periodic_defers": "task_name periodic_id",
}
