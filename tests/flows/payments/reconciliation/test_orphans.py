"""What is at Stripe and not here, or not any more: the sweep makes both sides agree, without any event."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.orders.models import Order
from estuary.payments import client, tasks
from estuary.payments.doctor import LIVENESS, SAFETY, run_checks, stripe_comparison
from estuary.payments.inbox import processor
from estuary.payments.models import Orphan, PaymentMethod, Refund, StripeCustomer, SyncCursor
from estuary.payments.reconciliation import stripe_lists
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.factories import a_free_slot, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import order_of, pay, status_of
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

A_WEEK = timedelta(days=7)


@contextmanager
def later(wait: timedelta) -> Iterator[None]:
    """Let time pass, here and at Stripe; it stands still meanwhile, so that nothing differs but what is looked for."""
    with time_machine.travel(clock.now() + wait, tick=False):
        yield


def sweep_for(minutes: int = 15) -> None:
    """Run the worker's clock for a while; no event ever comes."""
    for step in range(0, minutes + 1, 5):
        with later(timedelta(minutes=step)):
            tasks.expire_orders(0)
            tasks.sweep_minute(0)
            tasks.ask_stripe(0)
            while run_jobs() or processor.drain():
                continue


def all_is_well(after: timedelta = timedelta(minutes=16)) -> None:
    """The doctor finds nothing, here and at Stripe, once the time to heal is over."""
    # The worker does so every ten seconds.
    issue_due_documents()
    at = clock.now() + after
    rules = [rule for rule in (*SAFETY, *LIVENESS) if rule.code != "worker_silent"]
    assert run_checks(rules, at=at).violations == []
    assert stripe_comparison.compare(since=at - timedelta(days=60), at=at) == []


def codes(after: timedelta = timedelta(minutes=16)) -> set[str]:
    at = clock.now() + after
    return {breach.code for breach in stripe_comparison.compare(since=at - A_WEEK, at=at)}


def statuses(stripe: Sandbox) -> set[str]:
    store = stripe.state.store
    return {row["status"] for kept in (store.payment_intents, store.checkout_sessions) for row in kept}


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_what_could_not_be_withdrawn_when_its_order_ended_is_withdrawn_later(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, "50.00", payment_type=payment_type)
    # The order ended between Stripe's answer and our note of it, and Stripe did not take the withdrawal.
    Order.objects.update(stripe_payment_intent_id="", stripe_checkout_session_id="", requested_at=None)
    buyer.post(f"/api/v1/orders/{order['order_id']}/cancel/")
    assert status_of(order) == "canceled"
    assert codes() == {"open_after_end"}
    sweep_for()
    assert statuses(stripe) <= {"canceled", "expired"}
    all_is_well()


def test_a_second_way_to_pay_for_an_order_is_closed_and_the_first_stays(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "50.00")
    first = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert first is not None
    params = {"amount": 5000, "currency": "usd", "customer": first["customer"], "metadata": first["metadata"]}
    second = client.create_intent(params, key="a second one")
    assert codes() == {"open_twice"}
    with later(timedelta(minutes=5)):
        assert stripe_lists.sync_payments() == 1
        assert stripe_lists.sync_payments() == 0
    assert client.retrieve_intent(second.id).status == "canceled"
    pay(stripe, order)
    assert status_of(order) == "completed"


def test_a_second_payment_of_which_no_event_came_is_returned(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    first = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert first is not None
    params = {"amount": 5000, "currency": "usd", "customer": first["customer"], "metadata": first["metadata"]}
    second = client.create_intent(params, key="a second one")
    stripe.control.confirm(second.id)
    stripe.control.lose_events()
    assert codes() == {"captured_unknown_here"}
    sweep_for()
    assert Refund.objects.get(is_unmatched=True).status == "succeeded"
    assert buying.balance(buyer) == "50.00"
    all_is_well()


def test_what_is_not_ours_is_left_alone_and_told_only_when_it_looks_like_ours(
    stripe: Sandbox, buyer: APIClient, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "payments@estuary.example"
    v1 = client._client().v1
    shop = v1.customers.create({"email": "somebody@shop.example"})
    for metadata in ({}, {"order_id": "1234"}, {"order_id": "ord_" + "a" * 20, "user_id": "1"}):
        intent = client.create_intent(
            {"amount": 900, "currency": "usd", "customer": shop.id, "metadata": metadata}, key=str(metadata)
        )
        stripe.control.confirm(intent.id)
    left_open = client.create_intent(
        {"amount": 900, "currency": "usd", "customer": shop.id, "metadata": {"order_id": "ord_" + "b" * 20}},
        key="open",
    )
    stripe.control.lose_events()
    sweep_for()
    sweep_for()
    assert [mail.subject for mail in mailoutbox] == ["[Estuary alert] payment_of_unknown_order"]
    assert Orphan.objects.get().status == "foreign"
    assert client.retrieve_intent(left_open.id).status == "requires_payment_method"
    assert (Order.objects.count(), Refund.objects.count(), len(stripe.state.store.refunds)) == (0, 0, 0)


# --- An hour is lost ----------------------------------------------------------------------------------------


def lose_an_hour(stripe: Sandbox, backup: dict[str, list[Any]]) -> None:
    """Restore the backup; the events of the hour were delivered to the database that is gone."""
    stripe.control.lose_events()
    put_back(backup)


def test_after_an_older_backup_is_restored_all_is_rebuilt_from_stripe(
    stripe: Sandbox,
    buyer: APIClient,
    other: APIClient,
    maya: User,
    staff: APIClient,
    ana: Practitioner,
    settings: Any,
    mailoutbox: list[Any],
) -> None:
    settings.STAFF_MAIL = "payments@estuary.example"
    session, workshop = make_service(ServiceType.SESSION, ana), make_service(ServiceType.WORKSHOP, ana)
    [seat] = make_sessions(workshop, capacity=2)
    old = buying.buy_credits(stripe, other, "100.00")
    unpaid = buying.service(other, workshop, service_session_id=str(seat.pk))
    sweep_for(0)
    backup = contents()

    with later(timedelta(minutes=1)):
        pay(stripe, unpaid)
        buying.refund(staff, old, amount="40.00")
        settle_everything(stripe)
        credits = buying.buy_credits(stripe, buyer, "70.00")
    with later(timedelta(minutes=2)):
        direct = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
        pay(stripe, direct)
    with later(timedelta(minutes=3)):
        half = buying.service(buyer, session, start_datetime=a_free_slot(session, nth=5).isoformat())
        pay(stripe, half)
        buying.refund(staff, half, amount="30.00")
        settle_everything(stripe)
        wish = {"service_session_id": str(seat.pk)}
        left_open = buying.create(
            buyer, service_id=workshop.pk, payment_type="checkout", scheduling_data=wish
        )
        lost = buying.buy_credits(stripe, signed_in(make_user("Nora New")), "25.00")
    mailoutbox.clear()
    lose_an_hour(stripe, backup)

    assert not Order.objects.filter(public_id=credits["order_id"]).exists()
    sweep_for()
    all_is_well()
    assert status_of(unpaid) == "completed"
    assert (status_of(old), buying.balance(other)) == ("partially_refunded", "60.00")
    assert (status_of(credits), buying.balance(buyer)) == ("completed", "70.00")
    assert (status_of(direct), status_of(half)) == ("refunded", "refunded")
    assert Orphan.objects.get(order_ref=lost["order_id"]).status == "returned"
    assert StripeCustomer.objects.get(user=maya).stripe_customer_id == order_of(credits).stripe_customer_id
    assert PaymentMethod.objects.filter(user=maya, detached_at=None).count() == 1
    assert not Order.objects.filter(public_id=left_open["order_id"]).exists()
    subjects = [mail.subject for mail in mailoutbox]
    assert subjects.count("[Estuary alert] order_recovered") == 3
    assert subjects.count("[Estuary alert] payment_returned") == 1
    assert subjects.count(f"Your payment for {session.name} goes back to you") == 2
    assert_a_second_run_writes_nothing(stripe)


def assert_a_second_run_writes_nothing(stripe: Sandbox) -> None:
    with later(timedelta(minutes=20)):
        tasks.ask_stripe(0)
        before, posts_before = contents(), buying_posts(stripe)
        tasks.expire_orders(0)
        tasks.sweep_minute(0)
        tasks.ask_stripe(0)
        assert contents() == before
        assert buying_posts(stripe) == posts_before


def buying_posts(stripe: Sandbox) -> int:
    return sum(sent.method == "POST" for sent in stripe.requests)


def test_a_number_that_was_given_to_somebody_else_after_the_restore_gets_nothing(
    stripe: Sandbox, transactional_db: None
) -> None:
    buying.credits(signed_in(make_user("Olga Old")))  # this database is known at Stripe before the backup
    backup = contents()
    lost = make_user("Nora New")
    buying.buy_credits(stripe, signed_in(lost), "25.00")
    lose_an_hour(stripe, backup)
    heir = User.objects.create_user("heir@estuary.example", "x", pk=lost.pk, first_name="Hannes")
    sweep_for()
    assert Orphan.objects.get().status == "returned"
    assert not Order.objects.filter(user=heir).exists()
    assert not StripeCustomer.objects.filter(user=heir).exists()
    all_is_well()


def test_the_return_of_a_forgotten_payment_is_sent_again_after_a_failure(
    stripe: Sandbox, transactional_db: None
) -> None:
    """Stripe repeats a failure under its key for a day."""
    buying.credits(signed_in(make_user("Olga Old")))  # this database is known at Stripe before the backup
    backup = contents()
    buying.buy_credits(stripe, signed_in(make_user("Nora New")), "25.00")
    lose_an_hour(stripe, backup)
    stripe.faults.add("error_saved", "POST /v1/refunds")
    sweep_for()
    assert Orphan.objects.get().status == "returned"
    [refund] = stripe.state.store.refunds
    assert refund["amount"] == 2500
    all_is_well()


def test_a_payment_at_its_bank_while_its_order_was_forgotten_is_looked_at_until_it_is_decided(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    bundle = make_service(
        ServiceType.BUNDLE,
        ana,
        bundle_of=make_service(ServiceType.SESSION, ana),
        bundle_quantity=4,
        validity_days=30,
    )
    buying.credits(signed_in(make_user("Olga Old")))  # this database is known at Stripe before the backup
    backup = contents()
    order = buying.service(buyer, bundle)
    paid = buying.pay_only(stripe, order, method="us_bank_account")
    settle_everything(stripe)
    lose_an_hour(stripe, backup)
    sweep_for()
    assert Orphan.objects.get().status == "waiting"
    with later(timedelta(days=3)):
        stripe.control.settle(paid["id"])
        stripe.control.lose_events()
        sweep_for()
        assert Orphan.objects.get().status == "recovered"
        assert status_of(order) == "refunded"
        all_is_well()


def test_after_a_month_of_silence_every_list_is_read_from_where_it_stopped(
    stripe: Sandbox, buyer: APIClient, other: APIClient, maya: User
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    sweep_for(0)
    marks = dict(SyncCursor.objects.values_list("name", "looked_until"))
    assert set(marks) == {"customers", "events", "sessions", "payments", "refunds", "disputes"}
    with later(timedelta(hours=2)):
        stripe.control.refund(order["payment_intent_id"], 2000)
        late = buying.credits(signed_in(maya), "30.00")
        stripe.control.confirm(late["payment_intent_id"], card=buying.FINE)
        stripe.control.lose_events()
    with later(timedelta(days=31)):
        sweep_for()
        assert (status_of(order), status_of(late)) == ("partially_refunded", "completed")
        all_is_well()
        assert_a_second_run_writes_nothing(stripe)


def test_cards_whose_events_never_came_are_listed_and_removed_ones_are_not(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "50.00")
    stripe.control.confirm(order["payment_intent_id"], card=buying.FINE)
    stripe.control.lose_events()
    assert buying.cards(buyer) == []
    sweep_for(0)
    [card] = buying.cards(buyer)
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    sweep_for(0)
    assert buying.cards(buyer) == []


def test_the_address_of_the_house_is_on_every_customer(stripe: Sandbox, buyer: APIClient) -> None:
    buying.credits(buyer, "50.00")
    [customer] = stripe.state.store.customers
    assert customer["metadata"]["home"] == configured.FRONTEND_URL
