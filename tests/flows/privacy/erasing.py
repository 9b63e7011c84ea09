"""A person whose data is in every table, the command that erases it, and where it still is."""

import base64
import io
import json
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts import account_mails
from estuary.accounts.models import Practitioner, User
from estuary.accounts.staff import audit
from estuary.catalog.models import ServiceType
from estuary.credits.models import CreditTransaction
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.payments.models import Refund
from estuary.privacy.erasure.append_only import allow_append_only_updates
from estuary.privacy.erasure.erase import MAX_REQUEST_AGE
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.models import Erasure
from estuary.privacy.personal_data import PERSONAL
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_user
from tests.flows import buying
from tests.flows.buying import DECLINED
from tests.sandbox_bridge import settle_everything

NAME, HOME = "Zenobia Quastenflosser", "198.51.100.7"
MARK = "Quastenflosser"
DISPUTED = "4000000000000259"
TEXT = {"text", "varchar", "bpchar", "json", "jsonb", "inet", "bytea", "citext", "_text", "_varchar"}


def columns_of_text() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        )
        return {(table, column) for table, column, kind in cursor.fetchall() if kind in TEXT}


# Tax law has whoever sells keep these, as they were issued.
# A counter of an IP address counts whoever is there, names nobody, and ends within two days.
OF_NOBODY = {("payments_attempts", "name")}
KEPT_BY_LAW = {
    (table, column)
    for table in ("documents_receipt", "documents_creditnote")
    for column in ("buyer_name", "buyer_address")
}


def where_is(*marks: str) -> list[tuple[str, str]]:
    """Return each column of the database that names the person and must not, whatever the column's type."""
    places: list[tuple[str, str]] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for table, column in set(cursor.fetchall()) - KEPT_BY_LAW - OF_NOBODY:
            cursor.execute(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
            text = "\n".join(_readable(row[0]) for row in cursor.fetchall()).lower()
            places += [(table, column) for mark in marks if mark.lower() in text]
    return places


def _readable(text: str) -> str:
    """Sessions and caches are written in base64."""
    try:
        return text + base64.b64decode(text.split(":", maxsplit=1)[0] + "==", validate=False).decode(
            "latin-1"
        )
    except ValueError:
        return text


# What finds the rows, or what a constraint forbids.
KEPT_AS_IT_IS = {"email", "password", "slug", "last4", "payload", "stripe_customer_id", "update_key",
                 "first_name", "last_name", "display_name", "method_last4"}  # fmt: skip


def live_a_life(stripe: Sandbox, person: User) -> dict[str, Any]:
    """Sign in, save a card, be declined, buy, get a refund, be written to and about: through every door there is."""
    client = APIClient()
    answer = client.post(
        "/_allauth/app/v1/auth/login", {"email": person.email, "password": "correct horse battery"}
    )
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['meta']['access_token']}", REMOTE_ADDR=HOME)
    body = {"is_credit_purchase": True, "amount": "20.00", "service_data": {"note": f"for {NAME}"}}
    response = client.post(
        buying.CREATE, body, headers={"Idempotency-Key": f"key of {MARK}"}, REMOTE_ADDR=HOME
    )
    assert response.status_code == 201, response.json()
    setup = client.post(f"{buying.METHODS}setup/", REMOTE_ADDR=HOME).json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, card=DECLINED)
    buying.pay(stripe, response.json())
    buying.pay(stripe, buying.credits(client, "21.00", payment_type="checkout"))
    return dict(response.json())


def write_about(person: User) -> None:
    """Have staff and mails name a person; the mails still wait."""
    staff = make_user("Ines Duarte", is_staff=True)
    order = Order.objects.filter(user=person)[0]
    with transaction.atomic():
        audit.record(staff, order, f"called {NAME} back")
        audit.record(staff, person, "gave credits away")
        account_mails.enqueue_mail("email_confirmation", person.email, person.pk)
        staff_alerts.alert_staff("complaint", f"{person.email} is angry")


def mark_everything(person: User) -> set[str]:
    """Write the person into every column that is to be erased; returns the tables that had rows of the person."""
    touched = set()
    with transaction.atomic(), connection.cursor() as cursor:
        allow_append_only_updates()
        for table, personal in PERSONAL.items():
            parameters = find_identifiers(person, with_sessions=True)
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {personal.rows}", parameters)  # noqa: S608
            if cursor.fetchone()[0]:
                touched.add(table)
            for column in (c for t, c in columns_of_text() if t == table and c in personal.erase):
                if column in KEPT_AS_IT_IS:
                    continue
                value = json.dumps({"of": MARK}) if column.endswith("_data") else MARK[:16]
                cursor.execute(
                    f"UPDATE {table} SET {column} = %(mark)s WHERE {personal.rows}",  # noqa: S608
                    {**parameters, "mark": value},
                )
    return touched


def shut_out(ref: Any, *options: str) -> str:
    """Run the command once: of a person who was not shut out before, nothing else happens yet."""
    out = io.StringIO()
    call_command("erase_person", str(ref), "--yes", *options, stdout=out)
    return out.getvalue()


def erase(ref: Any, *options: str) -> str:
    """Run the command as its answer says: once more, when nothing of the person can be under way."""
    if "over in a minute" not in (answer := shut_out(ref, *options)):
        return answer
    let_requests_end()
    return shut_out(ref, *options)


def let_requests_end() -> None:
    """Have the accounts been shut long ago."""
    Erasure.objects.update(requested_at=F("requested_at") - MAX_REQUEST_AGE)


def doctor(*options: str) -> str:
    """Return what the doctor finds as staff call it: nothing when the books are right."""
    out = io.StringIO()
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit:
        return out.getvalue()
    return ""


def prepare(stripe: Sandbox, person: User) -> str:
    """Have a person whose data is in every table and column; returns the id of the customer at Stripe."""
    live_a_life(stripe, person)
    return_all(stripe, person)
    assert doctor() == doctor("--stripe") == ""
    write_about(person)
    profile = Practitioner.objects.create(user=person, display_name=NAME, slug="zenobia", bio=MARK)
    make_service(ServiceType.SESSION, profile)
    touched = mark_everything(person)
    assert {"payments_webhookevent", "payments_attempts", "django_session", "procrastinate_jobs",
            "payments_idempotencykey", "payments_setupintent", "payments_paymentmethod", "django_admin_log",
            "credits_credittransaction", "orders_order", "catalog_service"} <= touched  # fmt: skip
    return str(person.stripe_customer.stripe_customer_id)


def is_deleted(stripe: Sandbox, customer: str) -> bool:
    left = stripe.state.store.customers.get(customer)
    return left is None or bool(left.get("deleted"))


def books(person: User) -> list[Any]:
    """Return what the books need of a person's orders, refunds and credits."""
    orders = Order.objects.filter(user=person).order_by("pk")
    refunds = Refund.objects.filter(order__user=person).order_by("pk")
    lines = CreditTransaction.objects.filter(account__user=person).order_by("pk")
    return [
        *orders.values_list(
            "public_id", "status", "total_minor", "captured_minor", "stripe_payment_intent_id", "created_at"
        ),
        *refunds.values_list("public_id", "status", "card_minor", "stripe_refund_id", "created_at"),
        *lines.values_list("kind", "amount_minor", "balance_after_minor", "created_at"),
    ]


def return_all(stripe: Sandbox, person: User) -> None:
    """Have every credit that was bought given back."""
    staff = APIClient()
    staff.force_authenticate(make_user("Ada Staff", is_staff=True, is_superuser=True))
    for order in Order.objects.filter(user=person, status="completed"):
        answer = staff.post(f"/api/v1/orders/{order.public_id}/refunds/", {"reason": f"{NAME} wished so"})
        assert answer.status_code == 201, answer.json()
    settle_everything(stripe)
    assert Refund.objects.filter(order__user=person, status="succeeded").count() == 2
