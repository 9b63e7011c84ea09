"""A customer at Stripe names the database that created it: two laptops leave each other's payments alone, and a shop
that has moved knows its own."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import ContactChange, Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock, ids
from estuary.payments import client, tasks
from estuary.payments.customers.customers import ensure_customer
from estuary.payments.models import Orphan, PaymentMethod, StripeAccount, StripeCustomer
from estuary.payments.reconciliation import overdue
from estuary.privacy.erasure.stripe_customer import delete_customers
from estuary.privacy.models import Erasure
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.factories import a_free_slot, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, status_of
from tests.flows.payments.gateway.test_copies import STAGING, as_copy
from tests.flows.payments.reconciliation.test_orphans import all_is_well, later, sweep_for
from tests.sandbox_bridge import estuary_talks_to, run_jobs, settle_everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("staff_mail")]

HOME = "http://localhost:8000"


def metadata_of(stripe: Sandbox, customer_id: str) -> Json:
    customer = stripe.state.store.customers.get(customer_id)
    assert customer is not None
    return dict(customer["metadata"])


def state_of(stripe: Sandbox, order: Json) -> str:
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    return str(intent["status"])


def without_id(stripe: Sandbox) -> None:
    """Make all customers as those of earlier versions, which name an address only."""
    for customer in stripe.state.store.customers:
        del customer["metadata"]["house"]
    StripeCustomer.objects.update(database_id="")


def alerts(mailoutbox: list[Any]) -> list[str]:
    run_jobs()
    return [mail.subject for mail in mailoutbox if "alert" in mail.subject]


# --- Two laptops --------------------------------------------------------------------------------------------


def test_the_owner_leaves_the_payments_of_another_laptop_alone(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, mailoutbox: list[Any]
) -> None:
    """Both were seeded alike, so their people have the same ids and addresses."""
    session = make_service(ServiceType.SESSION, ana)
    people = contents()
    buying.buy_credits(stripe, other, "50.00")
    sweep_for(0)
    owners = contents()
    put_back(people)
    with estuary_talks_to(stripe):
        left = buying.credits(buyer, "60.00")
        page = buying.credits(other, "70.00", payment_type="checkout")
        paid = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
        buying.pay(stripe, paid)
        page_id = buying.order_of(page).stripe_checkout_session_id
    others = contents()
    put_back(owners)
    mailoutbox.clear()
    with estuary_talks_to(stripe):
        sweep_for()
        assert StripeAccount.objects.get().owner_status == "owner"
        assert not StripeCustomer.objects.filter(user__email__startswith="maya").exists()
        assert alerts(mailoutbox) == []
    assert (state_of(stripe, left), state_of(stripe, paid)) == ("requires_payment_method", "succeeded")
    open_page = stripe.state.store.checkout_sessions.get(page_id)
    assert open_page is not None and open_page["status"] == "open"
    assert len(stripe.state.store.refunds) == 0
    put_back(others)
    with estuary_talks_to(stripe):
        settle_everything(stripe)
        assert (status_of(left), status_of(paid)) == ("pending", "completed")


def test_another_laptop_does_not_take_over_the_owners_customers_and_cards(
    stripe: Sandbox, buyer: APIClient
) -> None:
    people = contents()
    buying.buy_credits(stripe, buyer, "50.00")
    put_back(people)
    with estuary_talks_to(stripe):
        tasks.ask_stripe(0)
        assert not StripeCustomer.objects.exclude(stripe_customer_id="").exists()
        assert buying.cards(buyer) == []
        stripe.control.lose_events()


def test_in_live_mode_staff_are_told_of_a_payment_of_another_database(
    stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    buying.credits(signed_in(make_user("Olga Old")))
    backup = contents()
    buying.buy_credits(stripe, buyer, "20.00")
    for customer in stripe.state.store.customers:
        customer["metadata"]["house"] = "house_of_another_database"
    put_back(backup)
    monkeypatch.setattr("estuary.payments.reconciliation.orphans.is_live", lambda: True)
    sweep_for()
    assert Orphan.objects.get().status == "foreign"
    assert "[Estuary alert] payment_of_unknown_order" in alerts(mailoutbox)


# --- A copy, and a shop that has moved ----------------------------------------------------------------------


def test_the_owner_leaves_alone_what_a_copy_sells_in_test_mode(
    stripe: Sandbox, buyer: APIClient, shop: dict[str, Json]
) -> None:
    """The copy has the database id of its original, so its customers don't name it."""
    with as_copy(stripe, contents()):
        tasks.ask_stripe(0)
        with later(timedelta(seconds=5)):
            left = buying.credits(signed_in(make_user("Nora New")), "30.00")
            paid = buying.buy_credits(stripe, signed_in(make_user("Olga Old")), "20.00")
        assert "house" not in metadata_of(stripe, StripeCustomer.objects.latest("pk").stripe_customer_id)
        stripe.control.lose_events()
    with estuary_talks_to(stripe):
        sweep_for(0)
    assert (state_of(stripe, left), state_of(stripe, paid)) == ("requires_payment_method", "succeeded")


@pytest.mark.parametrize("worker_first", [False, True], ids=["claimed at once", "claimed later"])
def test_after_a_move_the_orders_of_the_lost_hour_are_recovered(
    stripe: Sandbox,
    buyer: APIClient,
    maya: User,
    ana: Practitioner,
    settings: Settings,
    mailoutbox: list[Any],
    worker_first: bool,
) -> None:
    session = make_service(ServiceType.SESSION, ana)
    buying.credits(signed_in(make_user("Olga Old")))
    sweep_for(0)
    backup = contents()
    credits = buying.buy_credits(stripe, buyer, "70.00")
    direct = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    buying.pay(stripe, direct)
    nobodys = buying.buy_credits(stripe, signed_in(make_user("Nora New")), "25.00")
    left = buying.credits(buyer, "30.00")
    customer_id = buying.order_of(credits).stripe_customer_id
    stripe.control.lose_events()
    put_back(backup)
    settings.FRONTEND_URL = STAGING
    with estuary_talks_to(stripe):
        if worker_first:
            with later(timedelta(hours=3)):
                tasks.ask_stripe(0)
        with later(timedelta(hours=4)):
            call_command("stripe_account", "--claim")
        with later(timedelta(hours=4, minutes=2)):
            sweep_for()
            all_is_well()
            assert not Orphan.objects.filter(status="foreign").exists()
            assert (status_of(credits), status_of(direct)) == ("completed", "refunded")
            assert Orphan.objects.get(order_ref=nobodys["order_id"]).status == "returned"
            assert state_of(stripe, left) == "canceled"
            assert StripeCustomer.objects.get(user=maya).stripe_customer_id == customer_id
            assert PaymentMethod.objects.filter(user=maya, detached_at=None).count() == 1
    assert not any("unknown_order" in subject for subject in alerts(mailoutbox))


# --- Customers of earlier versions --------------------------------------------------------------------------


def test_a_customer_names_its_database_and_its_address(stripe: Sandbox, buyer: APIClient) -> None:
    buying.credits(buyer, "50.00")
    row = StripeCustomer.objects.get()
    label = metadata_of(stripe, row.stripe_customer_id)
    assert (label["house"], label["home"]) == (StripeAccount.objects.get().database_id, HOME)
    assert row.database_id == label["house"] != ""


def test_customers_of_earlier_versions_are_sent_their_database_once(
    stripe: Sandbox, buyer: APIClient, other: APIClient
) -> None:
    buying.credits(buyer, "50.00")
    buying.credits(other, "50.00")
    without_id(stripe)
    for _ in range(2):
        tasks.ask_stripe_far_back(0)
        overdue.update_changed_customers()
        settle_everything(stripe)
    own = StripeAccount.objects.get().database_id
    assert [customer["metadata"]["house"] for customer in stripe.state.store.customers] == [own, own]
    sent = [one for one in stripe.requests if one.method == "POST" and "/v1/customers/" in one.path]
    assert (len(sent), ContactChange.objects.count()) == (2, 0)


def test_a_copy_sends_the_shops_customers_nothing(stripe: Sandbox, buyer: APIClient) -> None:
    buying.credits(buyer, "50.00")
    without_id(stripe)
    with override_settings(FRONTEND_URL=STAGING), estuary_talks_to(stripe):
        tasks.ask_stripe(0)
        tasks.ask_stripe_far_back(0)
        assert not ContactChange.objects.exists()


def test_an_update_of_an_earlier_version_is_sent_again_as_it_was(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[Any]
) -> None:
    """Its answer was lost before the new version came; Stripe refuses another body under the same key."""
    buying.credits(buyer, "50.00")
    without_id(stripe)
    ensured = StripeAccount.objects.get()
    StripeAccount.objects.update(database_id="")  # as before it had one
    stripe.faults.add("timeout_after", "POST /v1/customers/*")
    User.objects.filter(pk=maya.pk).update(last_name="Berg")
    overdue.update_changed_customers()
    StripeAccount.objects.update(database_id=ensured.database_id)
    with later(timedelta(minutes=20)):
        overdue.update_changed_customers()
        settle_everything(stripe)
    row = StripeCustomer.objects.get()
    assert (row.update_key, row.database_id) == ("", ensured.database_id)
    assert metadata_of(stripe, row.stripe_customer_id)["house"] == ensured.database_id
    assert alerts(mailoutbox) == []


def test_a_lost_hour_with_customers_of_earlier_versions_is_recovered_by_their_address(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.credits(signed_in(make_user("Olga Old")))
    backup = contents()
    credits = buying.buy_credits(stripe, buyer, "70.00")
    without_id(stripe)
    stripe.control.lose_events()
    put_back(backup)
    sweep_for()
    assert status_of(credits) == "completed"
    all_is_well()


# --- Another shop's customer of the same person -------------------------------------------------------------


def not_deleted(stripe: Sandbox) -> list[str]:
    return [customer["id"] for customer in stripe.state.store.customers if not customer.get("deleted")]


FOREIGN = [
    pytest.param({}, id="of another integration"),
    pytest.param({"home": "https://another.example"}, id="of another address"),
    pytest.param({"home": HOME, "house": "house_of_another"}, id="of another database at this address"),
]


@pytest.mark.parametrize("label", FOREIGN)
def test_a_customer_of_another_shop_is_neither_adopted_nor_erased(
    stripe: Sandbox, maya: User, label: dict[str, str]
) -> None:
    foreign = client.create_customer(
        email=maya.email, name="", metadata={"user_id": str(maya.pk)} | label, key=ids.customer_key()
    )
    stripe.faults.add("error_saved", "POST /v1/customers")
    buyer = signed_in(maya)
    assert buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "20.00"}).status_code == 503
    own = ensure_customer(maya)
    assert own != foreign
    delete_customers(Erasure.objects.create(user=maya, requested_at=clock.now()))
    assert not_deleted(stripe) == [foreign]


def test_a_customer_whose_creation_had_no_answer_is_adopted_and_erased(stripe: Sandbox, maya: User) -> None:
    stripe.faults.add("error_saved", "POST /v1/customers", effect=True)
    customer_id = ensure_customer(maya)
    assert not_deleted(stripe) == [customer_id]
    StripeCustomer.objects.update(stripe_customer_id="")
    delete_customers(Erasure.objects.create(user=maya, requested_at=clock.now()))
    assert not_deleted(stripe) == []
