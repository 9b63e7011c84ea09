"""A person is exported and erased: every table and column is gone through, and the person is nowhere."""

import base64
import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from rest_framework.test import APIClient

from estuary.accounts import account_mails, staff_audit
from estuary.accounts.models import Practitioner, User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.credits.models import CreditTransaction
from estuary.documents.issuing import issue_due_documents
from estuary.documents.issuing.receipts import due_orders, write_receipts
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.seller import house
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.orders.place_order import CheckoutOptions
from estuary.payments import tasks
from estuary.payments.checkout import create_order
from estuary.payments.customers import customers
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, RateLimitCounter, Refund, StripeCustomer, WebhookEvent
from estuary.payments.reconciliation.stripe_lists import sync_unlisted_events
from estuary.payments.stripe_objects import UsedMethod
from estuary.privacy.erase import MAX_REQUEST_AGE, allow_append_only_updates
from estuary.privacy.export import export_person
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.models import Erasure
from estuary.privacy.personal_data import NOT_PERSONAL, PERSONAL, Personal
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from tests.factories import PASSWORD, make_service, make_user
from tests.flows import buying
from tests.flows.buying import DECLINED
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

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


def undecided(columns: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(table, column) for table, column in columns if not is_decided(table, column)}


def is_decided(table: str, column: str) -> bool:
    if table in NOT_PERSONAL:
        return column in NOT_PERSONAL[table].split()
    personal = PERSONAL.get(table, Personal("false"))
    return personal.delete or column in personal.erase or column in personal.keep.split()


def test_every_column_of_text_is_decided_about(transactional_db: None) -> None:
    columns = columns_of_text()
    assert undecided(columns) == set()
    assert undecided({*columns, ("accounts_user", "telephone"), ("reviews_review", "text")}) == {
        ("accounts_user", "telephone"),
        ("reviews_review", "text"),
    }


def test_nothing_is_decided_about_what_is_not_there(transactional_db: None) -> None:
    tables = {table for table, _ in columns_of_text()}
    with connection.cursor() as cursor:
        assert set(PERSONAL) | set(NOT_PERSONAL) >= tables
        assert set(PERSONAL) <= set(connection.introspection.table_names(cursor))


def test_every_column_that_is_erased_is_there(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        for table, personal in PERSONAL.items():
            columns = {
                column.name for column in connection.introspection.get_table_description(cursor, table)
            }
            assert {*personal.erase, *personal.keep.split(), *personal.hidden.split()} <= columns, table


# Tax law has whoever sells keep these, as they were issued.
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
        for table, column in set(cursor.fetchall()) - KEPT_BY_LAW:
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


@pytest.fixture
def zenobia(transactional_db: None) -> User:
    return make_user(NAME)


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
        staff_audit.record(staff, order, f"called {NAME} back")
        staff_audit.record(staff, person, "gave credits away")
        account_mails.enqueue_mail("email_confirmation", person.email, person.pk)
        staff_alerts.alert_staff("complaint", f"{NAME} is angry")


def mark_everything(person: User) -> set[str]:
    """Write the person into every column that is to be erased; returns the tables that had rows of the person."""
    touched = set()
    with transaction.atomic(), connection.cursor() as cursor:
        allow_append_only_updates()
        for table, personal in PERSONAL.items():
            parameters = find_identifiers(person)
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


def test_who_is_erased_is_nowhere(stripe: Sandbox, zenobia: User, other: APIClient) -> None:
    buying.buy_credits(stripe, other, "30.00")
    customer = prepare(stripe, zenobia)
    address, before = zenobia.email, books(zenobia)
    assert {table for table, _ in where_is(MARK)} >= {"accounts_user", "procrastinate_jobs", "orders_order"}
    erase(address)
    assert where_is(MARK, address, HOME) == []
    assert is_deleted(stripe, customer)
    assert not User.objects.get(pk=zenobia.pk).is_active
    assert LogEntry.objects.filter(object_repr="(erased)").count() >= 2
    assert (buying.balance(other), books(zenobia)) == ("30.00", before)
    assert doctor() == doctor("--stripe") == ""


def test_receipts_of_who_is_erased_keep_what_the_law_keeps_and_no_more(
    stripe: Sandbox, zenobia: User
) -> None:
    live_a_life(stripe, zenobia)
    # One receipt is issued long before, the other by the erasure itself.
    [first, _] = due_orders().values_list("pk", flat=True)
    write_receipts([first], methods={first: UsedMethod("card", "visa", "4242")}, seller=house())
    return_all(stripe, zenobia)
    numbers = list(Receipt.objects.values_list("number", flat=True))
    erase(zenobia.email)
    receipts = list(Receipt.objects.order_by("pk"))
    assert [row.number for row in receipts][:1] == numbers
    assert len(receipts) == CreditNote.objects.count() == 2
    for document in (*receipts, *CreditNote.objects.all()):
        assert (document.buyer_name, document.buyer_email) == (NAME, "")
    assert {row.method_last4 for row in receipts} == {""}
    assert receipts[0].method == "Visa"
    assert doctor() == ""


def test_the_export_has_the_receipts(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    issue_due_documents()
    rows = export_person(zenobia)["documents_receipt"]
    assert [row["number"] for row in rows] == list(
        Receipt.objects.order_by("pk").values_list("number", flat=True)
    )
    assert {row["buyer_name"] for row in rows} == {NAME}


def test_what_stripe_sends_after_it_brings_nobody_back(stripe: Sandbox, zenobia: User) -> None:
    customer = prepare(stripe, zenobia)
    address = zenobia.email
    cards = [card for card in stripe.state.store.payment_methods if card["customer"] == customer]
    assert cards
    for card in cards:  # the whole of what a card knows of its holder
        card["billing_details"] |= {"name": NAME, "email": address}
    erase(address)
    for card in cards:
        stripe.state.emit("payment_method.detached", card, {"customer": customer})
        stripe.state.emit("payment_method.updated", card | {"customer": customer})
    settle_everything(stripe)
    assert ("payments_webhookevent", "payload") in where_is(address)
    finish_erasures(timestamp=0)
    assert where_is(MARK, address) == []
    assert not PaymentMethod.objects.filter(user=zenobia, detached_at=None).exists()
    assert not PaymentMethod.objects.exclude(last4="").filter(user=zenobia).exists()
    assert StripeCustomer.objects.get(user=zenobia).stripe_customer_id == ""
    sync_unlisted_events()
    settle_everything(stripe)
    assert where_is(MARK, address) == []
    redacted = WebhookEvent.objects.filter(payload__object="v2.core.event")
    assert {"customer.deleted", "payment_method.detached"} <= set(redacted.values_list("type", flat=True))
    redacted.update(status="pending", due_at=clock.now())  # as a replay
    processor.drain()
    settle_everything(stripe)
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()
    assert where_is(MARK, address) == []
    assert doctor() == doctor("--stripe") == ""


def test_a_request_that_was_let_in_before_brings_nobody_back(stripe: Sandbox, zenobia: User) -> None:
    """It has read who the person is, and is as slow as requests can be."""
    read = User.objects.get(pk=zenobia.pk)
    assert "over in a minute" in shut_out(zenobia.email)
    finish_erasures(timestamp=0)
    order = create_order.create_order(
        create_order.Purchase(
            user=read,
            service=None,
            currency="usd",
            credits_minor=2_500,
            options=CheckoutOptions(payment_type="intent"),
            schedule_request=ScheduleRequest(),
        )
    )
    customer = customers.ensure_customer(read)
    assert stripe.state.store.customers.get(customer)["email"] == zenobia.email  # type: ignore[index]
    let_requests_end()
    finish_erasures(timestamp=0)
    order.refresh_from_db()
    assert order.status == "canceled"
    assert is_deleted(stripe, customer)
    assert where_is(MARK, zenobia.email) == []


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_before"])
@pytest.mark.parametrize("by_worker", [False, True])
def test_an_erasure_that_stripe_cut_off_is_finished(
    stripe: Sandbox, zenobia: User, fault: str, by_worker: bool
) -> None:
    customer = prepare(stripe, zenobia)
    address = zenobia.email
    stripe.faults.add(fault, "DELETE /v1/customers/*", times=20)
    with pytest.raises(CommandError, match="run this again"):
        erase(address)
    assert where_is(address)
    assert not User.objects.get(pk=zenobia.pk).is_active
    stripe.faults.clear()
    settle_everything(stripe)
    if by_worker:
        finish_erasures(timestamp=0)
    else:
        erase(address)
    settle_everything(stripe)
    finish_erasures(timestamp=0)
    assert is_deleted(stripe, customer)
    assert where_is(MARK, address, HOME) == []
    erase(zenobia.pk)  # twice is harmless
    assert where_is(MARK, address, HOME) == []


def test_an_erasure_killed_between_stripe_and_here_is_finished(
    stripe: Sandbox, zenobia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = prepare(stripe, zenobia)
    with monkeypatch.context() as patch:
        patch.setattr("estuary.privacy.erase._erase_in_database", _die)
        with pytest.raises(KeyboardInterrupt):
            erase(zenobia.email)
    assert is_deleted(stripe, customer)
    settle_everything(stripe)  # the customer is forgotten here before the command runs again
    erase(zenobia.email)
    finish_erasures(timestamp=0)
    assert where_is(MARK, zenobia.email, HOME) == []
    assert doctor() == doctor("--stripe") == ""


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_one_erasure_that_fails_stops_no_other(stripe: Sandbox, zenobia: User, maya: User) -> None:
    """Somebody has the very address that becomes of the first, from before such were refused."""
    User.objects.create_user(f"erased-{min(zenobia.pk, maya.pk)}@erased.invalid", PASSWORD)
    for person in (zenobia, maya):
        shut_out(person.pk)
    let_requests_end()
    finish_erasures(timestamp=0)
    erased = Erasure.objects.exclude(erased_at=None)
    assert [one.user_id for one in erased] == [max(zenobia.pk, maya.pk)]


def test_a_customer_whose_making_had_no_answer_is_deleted_too(stripe: Sandbox, zenobia: User) -> None:
    customer = prepare(stripe, zenobia)
    StripeCustomer.objects.filter(user=zenobia).update(stripe_customer_id="", email=zenobia.email)
    erase(zenobia.email)
    assert is_deleted(stripe, customer)


def test_nobody_erased_is_written_to(stripe: Sandbox, zenobia: User, mailoutbox: list[Any]) -> None:
    prepare(stripe, zenobia)
    erase(zenobia.email)
    mailoutbox.clear()
    for order in Order.objects.filter(user=zenobia):
        tasks.send_mail(order.pk, "refunded")
        tasks.send_mails([{"order_id": order.pk, "template": "refunded"}])
    tasks.send_method_removed(zenobia.pk, "")
    assert mailoutbox == []


def return_all(stripe: Sandbox, person: User) -> None:
    """Have every credit that was bought given back."""
    staff = APIClient()
    staff.force_authenticate(make_user("Ada Staff", is_staff=True, is_superuser=True))
    for order in Order.objects.filter(user=person, status="completed"):
        answer = staff.post(f"/api/v1/orders/{order.public_id}/refunds/", {"reason": f"{NAME} wished so"})
        assert answer.status_code == 201, answer.json()
    settle_everything(stripe)
    assert Refund.objects.filter(order__user=person, status="succeeded").count() == 2


def test_who_is_still_needed_is_not_erased(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    sent = len(stripe.requests)
    with pytest.raises(CommandError, match="Credits are left"):
        erase(zenobia.email)
    assert where_is(zenobia.email)
    assert User.objects.get(pk=zenobia.pk).is_active
    assert len(stripe.requests) == sent


def test_credits_are_forfeited_only_by_name(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    erase(zenobia.email, "--forfeit-credits")
    lines = CreditTransaction.objects.filter(account__user=zenobia).order_by("pk")
    assert [(line.kind, line.amount_minor) for line in lines][-1] == ("adjustment", -4100)
    assert lines.last().balance_after_minor == 0  # type: ignore[union-attr]
    erase(zenobia.pk, "--forfeit-credits")
    assert lines.count() == 3
    assert where_is(MARK, zenobia.email) == []
    settle_everything(stripe)
    assert doctor() == doctor("--stripe") == ""


def test_an_unpaid_order_is_canceled_and_an_open_dispute_refuses(
    stripe: Sandbox, zenobia: User, other: APIClient
) -> None:
    client = APIClient()
    client.force_authenticate(zenobia)
    unpaid = buying.credits(client, "25.00")
    erase(zenobia.email)
    assert buying.status_of(unpaid) == "canceled"
    assert where_is(MARK, zenobia.email) == []
    disputed = buying.buy_credits(stripe, other, "30.00", card=DISPUTED)
    user = buying.order_of(disputed).user
    with pytest.raises(CommandError, match="A dispute is open"):
        erase(user.email, "--forfeit-credits")
    assert User.objects.get(pk=user.pk).is_active


def test_an_export_has_everything_and_no_secret(stripe: Sandbox, zenobia: User, other: APIClient) -> None:
    order = live_a_life(stripe, zenobia)
    out = io.StringIO()
    call_command("export_person", zenobia.email, stdout=out)
    exported = json.loads(out.getvalue())
    assert set(exported) == set(PERSONAL)
    assert order["order_id"] in out.getvalue()
    assert exported["payments_paymentmethod"] or exported["payments_setupintent"]
    assert "password" not in exported["accounts_user"][0]
    assert zenobia.password not in out.getvalue()
    assert RateLimitCounter.objects.filter(name=f"payment user {zenobia.pk}").exists()


def test_nobody_is_erased_by_a_typo(transactional_db: None) -> None:
    with pytest.raises(CommandError, match="no user"):
        erase("nobody@estuary.example")
