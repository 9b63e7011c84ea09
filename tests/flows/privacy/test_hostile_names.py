"""An erasure changes nothing of others, whatever the person is called and whatever the address resembles."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import connection, transaction
from rest_framework.test import APIClient

from estuary.accounts import account_mails
from estuary.accounts.contact.names import check_name
from estuary.accounts.models import AuditLogEntry, Practitioner, User
from estuary.accounts.staff import audit
from estuary.common import clock
from estuary.notifications import staff_alerts
from estuary.payments.models import RateLimitCounter, WebhookEvent
from estuary.privacy.export import export_person
from estuary.privacy.personal_data import PERSONAL
from stripe_sandbox import Sandbox
from tests.factories import PASSWORD, make_user, signed_in
from tests.flows import buying
from tests.flows.privacy.erasing import HOME, NAME, erase, live_a_life, return_all, write_about
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BY_HAND = [
    '"object": "event"',
    '"livemode": false',
    '"key": "mail_',
    '{"refund_id": 1',
    '"user_id": null',
    "Refunded 3",
    "Second factor",
    "audit trail",
    "% %",
    "_ _",
    ".* .*",
    "a b",
    "an na",
    NAME,
]
PIECES_OF_TABLE = 12
type Rows = Counter[tuple[str, str]]


def rows_of_everybody() -> Rows:
    rows: Rows = Counter()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            rows.update((table, row) for (row,) in cursor.fetchall())
    return rows


def pieces_of(rows: Rows) -> Iterator[str]:
    """Yield pieces of two and three words out of every table that an erasure searches."""
    for table in [table for table, personal in PERSONAL.items() if personal.is_searched]:
        words = " ".join(sorted(row for name, row in rows if name == table)).replace('""', '"').split(" ")
        step = max(1, len(words) // PIECES_OF_TABLE)
        for start in range(0, len(words) - 3, step):
            yield " ".join(words[start : start + 2 + start % 2])[:140]


def is_name(text: str) -> bool:
    try:
        check_name(text)
    except ValidationError:
        return False
    return True


def enter(called: str, email: str) -> User:
    """Have somebody join who is called so wherever a name is taken: by the account, on receipts, as a practice."""
    first, _, last = called.partition(" ") if is_name(called) else ("Cal", "", "Ling")
    fields = {"first_name": first, "last_name": last, "email_verified_at": clock.now()}
    person = User.objects.create_user(email, PASSWORD, billing_name=called, **fields)
    Practitioner.objects.create(user=person, display_name=called[:120], slug=f"called-{person.pk}")
    return person


def live_together(stripe: Sandbox, person: User) -> None:
    """Buy, be refunded and written about, and have mails, alerts, counters and sessions that still wait."""
    live_a_life(stripe, person)
    return_all(stripe, person)
    write_about(person)
    anybody = APIClient()
    anybody.post("/_allauth/browser/v1/auth/code/request", {"email": person.email})
    with transaction.atomic():
        account_mails.enqueue_mail("password_changed", person.email, person.pk, {"at": "now", "ip": ""})
        audit.record(
            person, person.orders.earliest("pk"), f"Second factor of {NAME} asked for {person.email}"
        )
        staff_alerts.alert_staff("event_dead", f"Refunded 3.00 of {person.email} by the audit trail")


def hostile_people(others: Rows, victim: User) -> Iterator[User]:
    called = dict.fromkeys([*BY_HAND, *pieces_of(others)])
    for number, text in enumerate(called):
        yield enter(text, f"mallory{number}@evil.example")
    for email in (victim.email[1:], victim.email[:-1], victim.email[3:]):
        yield enter("Mal Lory", email)


def test_nobody_is_called_so_that_an_erasure_changes_rows_of_others(stripe: Sandbox, maya: User) -> None:
    live_together(stripe, maya)
    before = rows_of_everybody()
    erased = 0
    for person in hostile_people(before, maya):
        billing_name, email = person.billing_name, person.email
        erase(person.pk)
        lost = before - rows_of_everybody()
        assert not lost, (billing_name, email, dict(lost))
        erased += 1
    assert erased > 2 * len(BY_HAND)


def test_an_export_shows_nothing_of_others(stripe: Sandbox, maya: User) -> None:
    live_together(stripe, maya)
    for person in hostile_people(rows_of_everybody(), maya):
        exported = export_person(person)
        searched = {table: rows for table, rows in exported.items() if rows and PERSONAL[table].is_searched}
        assert not searched, (person.billing_name, person.email)


def test_an_address_that_nobody_confirmed_decides_nothing_about_texts_and_events_of_others(
    stripe: Sandbox, maya: User, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer, "20.00")
    former = maya.email
    audit.record(maya, maya, f"{former} wrote to us")
    account_mails.enqueue_mail("email_changed", former, maya.pk, {"at": "now", "ip": ""})
    maya.email = "maya@elsewhere.example"
    maya.save(update_fields=["email"])
    before = rows_of_everybody()
    thief = User.objects.create_user(former, PASSWORD)
    erase(thief.pk)
    lost = before - rows_of_everybody()
    assert not lost, dict(lost)


def test_an_erasure_forgives_no_declines_at_an_address_that_others_have_too(
    stripe: Sandbox, zenobia: User
) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00"}
    order = signed_in(zenobia).post(buying.CREATE, body, REMOTE_ADDR=HOME).json()
    stripe.control.confirm(order["payment_intent_id"], card=buying.DECLINED)
    settle_everything(stripe)
    [before] = RateLimitCounter.objects.filter(name__startswith="payment address").values()
    assert before["declines"] == 1
    assert not export_person(zenobia)["payments_attempts"][1:]
    erase(zenobia.pk)
    assert list(RateLimitCounter.objects.values()) == [before]


def test_a_former_address_of_another_user_leaves_that_users_payments(
    stripe: Sandbox, maya: User, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer, "20.00")
    former = maya.email
    maya.email = "maya@elsewhere.example"
    maya.save(update_fields=["email"])
    heir = User.objects.create_user(former, PASSWORD, email_verified_at=clock.now())
    erase(heir.pk)
    paid = WebhookEvent.objects.filter(type="payment_intent.succeeded")
    assert {event.payload["object"] for event in paid} == {"event"}


def test_staff_read_entries_with_a_name_and_erase_those_that_mean_the_person(
    stripe: Sandbox, zenobia: User, maya: User
) -> None:
    with transaction.atomic():
        audit.record(maya, maya, f"asked whether {NAME} comes along")
        audit.record(maya, maya, f"met another {NAME.upper()}, a neighbour")
        audit.record(maya, maya, f"met {NAME}a")
        audit.record(maya, maya, f"has {zenobia.email}, she says")
        User.objects.filter(pk=zenobia.pk).update(email_verified_at=clock.now())
    meant, other, longer, by_address = AuditLogEntry.objects.order_by("pk").values_list("pk", flat=True)
    erase(zenobia.pk)
    texts = dict(AuditLogEntry.objects.values_list("pk", "change_message"))
    assert texts[by_address] == "(erased)"
    assert "(erased)" not in {texts[meant], texts[other], texts[longer]}
    [alert] = alerts_of("erased_person_named")
    assert f"entries {meant} {other}." in alert
    assert NAME not in alert
    assert "is erased" in erase(zenobia.pk, "--entries", str(meant))
    texts = dict(AuditLogEntry.objects.values_list("pk", "change_message"))
    assert texts[meant] == "(erased)"
    assert NAME.upper() in texts[other]
    with pytest.raises(CommandError, match="no audit log entries"):
        erase(zenobia.pk, "--entries", str(longer + 1_000))


def alerts_of(code: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args ->> 'text' FROM procrastinate_jobs WHERE args ->> 'code' = %s", [code])
        return [text for (text,) in cursor.fetchall()]


def test_a_second_person_of_one_name_is_not_erased_with_the_first(
    stripe: Sandbox, zenobia: User, buyer: APIClient
) -> None:
    namesake = make_user(NAME)
    live_a_life(stripe, namesake)
    before = rows_of_everybody()
    erase(zenobia.pk)
    gone = before - rows_of_everybody()
    assert {table for table, _ in gone} <= {"accounts_user", "privacy_erasure"}
