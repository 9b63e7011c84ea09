"""Stripe's customer has the user's e-mail address and name, whichever way they are changed, and whatever fails."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import ContactChange, User
from estuary.common import clock
from estuary.payments import tasks
from estuary.payments.customers import customer_updates
from estuary.payments.doctor import LIVENESS, SAFETY, run_checks, stripe_comparison
from estuary.payments.errors import StripeRefused, StripeUnavailable
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.reconciliation import overdue, stripe_lists
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import PASSWORD
from tests.flows import buying
from tests.flows.payments.customers.test_saved_cards import save
from tests.sandbox_bridge import estuary_talks_to, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

UPDATE = "POST /v1/customers/*"
EMAIL = "maya.berg@example.com"


def at_stripe(stripe: Sandbox) -> tuple[str, str]:
    """Return the address and the name that the user's customer has at Stripe."""
    customer = stripe.state.store.customers.get(StripeCustomer.objects.get().stripe_customer_id)
    assert customer is not None
    return customer["email"] or "", customer["name"] or ""


def updates(stripe: Sandbox) -> list[Any]:
    return [
        sent for sent in stripe.requests if sent.method == "POST" and sent.path.startswith("/v1/customers/")
    ]


def rename(user: User, **fields: str) -> None:
    for name, value in fields.items():
        setattr(user, name, value)
    user.save()


def minute(stripe: Sandbox) -> None:
    """What the worker does each minute, jobs lost or not."""
    overdue.update_changed_customers()
    settle_everything(stripe)


@pytest.fixture
def customer(stripe: Sandbox, buyer: APIClient) -> StripeCustomer:
    save(stripe, buyer)
    return StripeCustomer.objects.get()


# --- Every road ---------------------------------------------------------------------------------------------


def by_saving(maya: User) -> None:
    rename(maya, email=EMAIL, last_name="Berg")


def by_some_fields(maya: User) -> None:
    maya.email, maya.last_name = EMAIL, "Berg"
    maya.save(update_fields=["email"])
    maya.save(update_fields=["last_name", "first_name"])


def by_a_queryset(maya: User) -> None:
    User.objects.filter(pk=maya.pk).update(email=EMAIL, last_name="Berg")


def by_bulk(maya: User) -> None:
    maya.email, maya.last_name = EMAIL, "Berg"
    User.objects.bulk_update([maya], ["email", "last_name"])


def by_sql(maya: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_user SET email = %s, last_name = 'Berg' WHERE id = %s", [EMAIL, maya.pk]
        )


def by_the_admin(maya: User) -> None:
    browser = admin_client()
    address = f"/admin/accounts/user/{maya.pk}/change/"
    form = {"email": EMAIL, "first_name": "Maya", "last_name": "Berg", "is_active": "on"}
    answer = browser.post(address, form)
    assert answer.status_code == 302, answer.content.decode()[:2000]


ROADS = [by_saving, by_some_fields, by_a_queryset, by_bulk, by_sql, by_the_admin]


@pytest.mark.parametrize("road", ROADS)
def test_a_change_by_any_road_reaches_stripe(
    stripe: Sandbox, maya: User, customer: StripeCustomer, road: Callable[[User], None]
) -> None:
    before = len(stripe.requests)
    road(maya)
    assert len(stripe.requests) == before, "Stripe was called where the change was made"
    minute(stripe)
    assert at_stripe(stripe) == (EMAIL, "Maya Berg")
    assert not ContactChange.objects.exists()
    row = StripeCustomer.objects.get()
    assert (row.email, row.name, row.update_key) == (EMAIL, "Maya Berg", "")


@pytest.mark.parametrize("road", [by_saving, by_some_fields, by_the_admin])
def test_where_django_saves_a_job_is_enqueued_at_once(
    stripe: Sandbox, maya: User, customer: StripeCustomer, road: Callable[[User], None]
) -> None:
    road(maya)
    run_jobs()
    assert at_stripe(stripe) == (EMAIL, "Maya Berg")


def test_an_address_changed_and_confirmed_by_its_owner_reaches_stripe(
    stripe: Sandbox, buyer: APIClient, maya: User, customer: StripeCustomer, mailoutbox: list[Any]
) -> None:
    """The new one takes the place of the old when it is confirmed, and not before."""
    wish = {"email": EMAIL}
    assert buyer.post("/_allauth/app/v1/account/email", wish).status_code == 401  # the password is asked for
    assert buyer.post("/_allauth/app/v1/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    assert buyer.post("/_allauth/app/v1/account/email", wish).status_code == 200
    run_jobs()
    assert at_stripe(stripe)[0] == maya.email
    [mail] = [mail for mail in mailoutbox if mail.to == [EMAIL]]
    key = unquote(re.findall(r"\?key=(\S+)", str(mail.body))[0])
    assert buyer.post("/_allauth/app/v1/auth/email/verify", {"key": key}).status_code == 200
    run_jobs()
    assert at_stripe(stripe)[0] == User.objects.get(pk=maya.pk).email == EMAIL


def test_nothing_is_sent_for_what_is_no_change(stripe: Sandbox, maya: User, customer: StripeCustomer) -> None:
    maya.save()
    maya.is_staff = True
    maya.save(update_fields=["is_staff"])
    User.objects.filter(pk=maya.pk).update(email=maya.email, last_login=clock.now())
    assert run_jobs() == 0
    rename(maya, first_name="May")
    rename(maya, first_name="Maya")
    minute(stripe)
    assert updates(stripe) == []


def test_a_change_that_is_rolled_back_leaves_nothing(
    stripe: Sandbox, maya: User, customer: StripeCustomer
) -> None:
    with transaction.atomic():
        rename(maya, email=EMAIL)
        transaction.set_rollback(True)
    assert (run_jobs(), ContactChange.objects.count()) == (0, 0)


def test_a_user_without_a_customer_costs_no_job_and_no_call(stripe: Sandbox, maya: User) -> None:
    rename(maya, email=EMAIL)
    assert run_jobs() == 0
    assert overdue.update_changed_customers() == 1
    assert (ContactChange.objects.count(), stripe.requests) == (0, [])


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [("", "", ""), ("Maya", "", "Maya"), ("  Maya ", " ", "Maya"), ("A" * 150, "B" * 150, "A" * 150),
     ("\tMaya", "Berg\n", "\tMaya Berg\n"), ("A" * 149, "B", "A" * 149), ("Māyā", "Бе́рг 🌊", "Māyā Бе́рг 🌊")],
)  # fmt: skip
def test_a_name_is_the_same_to_python_and_to_postgresql(
    stripe: Sandbox, maya: User, customer: StripeCustomer, first: str, last: str, name: str
) -> None:
    User.objects.filter(pk=maya.pk).update(first_name=first, last_name=last)
    minute(stripe)
    assert at_stripe(stripe)[1] == name
    assert customer_updates.record_missed_changes() == 0
    assert codes() == set()


# --- What goes wrong ----------------------------------------------------------------------------------------


def test_two_changes_in_a_row_end_at_the_last(stripe: Sandbox, maya: User, customer: StripeCustomer) -> None:
    for number in range(3):
        rename(maya, email=f"maya{number}@example.com", last_name=f"Berg {number}")
    settle_everything(stripe)
    assert at_stripe(stripe) == ("maya2@example.com", "Maya Berg 2")
    assert len(updates(stripe)) == 1


@pytest.mark.parametrize("fault", ["timeout_after", "cut"])
def test_an_update_without_an_answer_is_sent_again_as_it_was_before_the_next(
    stripe: Sandbox, maya: User, customer: StripeCustomer, fault: str
) -> None:
    rename(maya, email="first@example.com")
    stripe.faults.add(fault, UPDATE)
    with pytest.raises(StripeUnavailable):
        run_jobs()
    rename(maya, email="second@example.com")
    minute(stripe)
    sent = updates(stripe)
    assert [one.params["email"] for one in sent] == ["first@example.com"] * 2 + ["second@example.com"]
    keys = [one.headers["Idempotency-Key"] for one in sent]
    assert keys[0] == keys[1] != keys[2]
    assert at_stripe(stripe)[0] == "second@example.com"


def test_stripe_may_be_down_for_a_day(stripe: Sandbox, maya: User, customer: StripeCustomer) -> None:
    rename(maya, email=EMAIL)
    stripe.faults.add("timeout_before", "*", times=None)
    for hours in (0, 1, 5, 24):
        with time_machine.travel(clock.now() + timedelta(hours=hours), tick=True):
            assert overdue.update_changed_customers() == 0
    assert ContactChange.objects.exists()
    stripe.faults.clear()
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=True):
        assert overdue.update_changed_customers() >= 1
    assert at_stripe(stripe)[0] == EMAIL


def test_a_failure_that_stripe_remembers_is_not_met_again(
    stripe: Sandbox, maya: User, customer: StripeCustomer
) -> None:
    rename(maya, email=EMAIL)
    stripe.faults.add("error_saved", UPDATE)
    with pytest.raises(StripeRefused):
        tasks.update_customer(maya.pk)
    tasks.update_customer(maya.pk)
    assert at_stripe(stripe)[0] == EMAIL


def test_what_stripe_does_not_take_is_told_to_staff_once_and_the_next_change_is_sent(
    stripe: Sandbox, maya: User, customer: StripeCustomer, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    rename(maya, email="maya@-odd.example")
    stripe.faults.add("refuse", UPDATE, code="email_invalid", message="Invalid email address.")
    for _ in range(3):
        minute(stripe)
    alerts = [mail for mail in mailoutbox if "customer_update_refused" in mail.subject + mail.body]
    assert (len(alerts), len(updates(stripe))) == (1, 1)
    rename(maya, email=EMAIL)
    minute(stripe)
    assert at_stripe(stripe)[0] == EMAIL


def test_a_customer_deleted_meanwhile_is_forgotten_and_made_anew_with_what_is_true_now(
    stripe: Sandbox, buyer: APIClient, maya: User, customer: StripeCustomer
) -> None:
    stripe.control.delete_customer(customer.stripe_customer_id)
    stripe.control.lose_events()
    rename(maya, email=EMAIL)
    minute(stripe)
    assert (StripeCustomer.objects.get().stripe_customer_id, buying.cards(buyer)) == ("", [])
    assert not ContactChange.objects.exists()
    buying.pay(stripe, buying.credits(buyer))
    assert at_stripe(stripe)[0] == EMAIL


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before"])
def test_who_is_renamed_while_the_customer_is_being_made_is_renamed_at_stripe(
    stripe: Sandbox, buyer: APIClient, maya: User, fault: str
) -> None:
    stripe.faults.add(fault, "POST /v1/customers")
    assert buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "20.00"}).status_code == 503
    rename(maya, email=EMAIL)
    minute(stripe)
    buying.pay(stripe, buying.credits(buyer, "20.00"))
    minute(stripe)
    assert at_stripe(stripe)[0] == EMAIL


def test_a_copy_of_the_database_at_another_address_changes_no_customer(
    stripe: Sandbox, maya: User, customer: StripeCustomer
) -> None:
    """What is scrubbed there stays there; once the copy is claimed, as after a move, it is sent."""
    with override_settings(FRONTEND_URL="https://staging.estuary.example"), estuary_talks_to(stripe):
        with time_machine.travel(clock.now() + timedelta(hours=2), tick=True):
            rename(maya, email="scrubbed@example.com")
            overdue.update_changed_customers()
            assert (at_stripe(stripe)[0], updates(stripe)) == (customer.email, [])
            assert ContactChange.objects.exists()
            call_command("stripe_account", claim=True)
        with time_machine.travel(clock.now() + timedelta(hours=3), tick=True):
            minute(stripe)
            assert at_stripe(stripe)[0] == "scrubbed@example.com"


# --- What heals it, and what says so ------------------------------------------------------------------------


def codes() -> set[str]:
    at = clock.now() + timedelta(minutes=16)
    there = {breach.code for breach in stripe_comparison.compare(since=at - timedelta(days=1), at=at)}
    # Nothing numbers receipts here.
    rules = [rule for rule in (*SAFETY, *LIVENESS) if rule.code != "receipt_missing"]
    return there | {breach.code for breach in run_checks(rules, at=at).violations}


def without_trigger(maya: User, **fields: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        User.objects.filter(pk=maya.pk).update(**fields)


def test_a_change_that_nobody_noted_is_named_by_the_doctor_and_healed_within_a_day(
    stripe: Sandbox, maya: User, customer: StripeCustomer
) -> None:
    assert codes() == set()
    without_trigger(maya, email=EMAIL)
    assert codes() == {"contact_not_noted", "customer_differs"}
    tasks.ask_stripe_far_back(0)
    minute(stripe)
    assert (at_stripe(stripe)[0], codes()) == (EMAIL, set())


def test_a_change_that_waits_for_long_is_named(stripe: Sandbox, maya: User, customer: StripeCustomer) -> None:
    rename(maya, email=EMAIL)
    stripe.faults.add("timeout_before", UPDATE, times=None)
    overdue.update_changed_customers()
    stripe.faults.clear()
    assert codes() == {"contact_change_waiting", "customer_differs"}
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        minute(stripe)
        assert codes() == set()


def test_an_address_changed_in_the_dashboard_is_named(
    stripe: Sandbox, maya: User, customer: StripeCustomer
) -> None:
    there = stripe.state.store.customers.get(customer.stripe_customer_id)
    assert there is not None
    there["email"] = "typo@example.com"
    assert codes() == {"customer_differs"}
    StripeCustomer.objects.update(created_at=clock.now() - timedelta(days=90))
    there["created"] -= 90 * 86400
    rename(maya, last_name="Berg")
    minute(stripe)
    assert (at_stripe(stripe), codes()) == ((maya.email, "Maya Berg"), set())
    there["name"] = "Somebody"
    assert codes() == {"customer_differs"}, "one made long ago, and updated since"


def test_after_a_backup_with_the_old_address_the_customer_is_found_again(
    stripe: Sandbox, buyer: APIClient, maya: User, customer: StripeCustomer
) -> None:
    old = maya.email
    rename(maya, email=EMAIL)
    minute(stripe)
    PaymentMethod.objects.all().delete()
    StripeCustomer.objects.all().delete()
    without_trigger(maya, email=old)
    assert stripe_lists.sync_customers() == 1
    assert StripeCustomer.objects.get().stripe_customer_id == customer.stripe_customer_id
    assert len(buying.cards(buyer)) == 1
    minute(stripe)
    assert at_stripe(stripe)[0] == old


def test_a_number_given_to_somebody_else_after_a_restore_gets_nobodys_customer(
    stripe: Sandbox, buyer: APIClient, maya: User, customer: StripeCustomer
) -> None:
    rename(maya, email=EMAIL)
    minute(stripe)
    PaymentMethod.objects.all().delete()
    StripeCustomer.objects.all().delete()
    without_trigger(maya, email="somebody@example.com")
    User.objects.filter(pk=maya.pk).update(date_joined=clock.now())
    assert stripe_lists.sync_customers() == 0
    assert StripeCustomer.objects.count() == 0


def test_a_restored_counter_meets_no_older_key(stripe: Sandbox, maya: User, customer: StripeCustomer) -> None:
    """The backup counts again from where it was: the same address, sent again, must not be answered from memory."""
    old = StripeCustomer.objects.values().get()
    for email in (EMAIL, "later@example.com"):
        rename(maya, email=email)
        minute(stripe)
    StripeCustomer.objects.update(
        **{name: old[name] for name in ("email", "name", "idempotency_sequence", "update_key")}
    )
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=True):
        rename(maya, email=EMAIL)
        minute(stripe)
    assert at_stripe(stripe)[0] == EMAIL
