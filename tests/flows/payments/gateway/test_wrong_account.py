"""A key of another Stripe account: nothing is asked of it, nothing is forgotten for it, and staff are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, Refund, StripeAccount, StripeCustomer, WebhookEvent
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import pay_only, status_of
from tests.sandbox_bridge import estuary_talks_to, post_event, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

OURS, OTHERS = "acct_1SandboxEstuary00", "acct_of_somebody_else"


@pytest.fixture(autouse=True)
def staff_mail(settings: Settings) -> None:
    settings.STAFF_MAIL = "ops@estuary.example"


@contextmanager
def the_key_of_somebody_else() -> Iterator[Sandbox]:
    """Restart the product with another account's key."""
    elsewhere = Sandbox(account_id=OTHERS)
    with estuary_talks_to(elsewhere):
        yield elsewhere


@contextmanager
def restarted(stripe: Sandbox) -> Iterator[None]:
    with estuary_talks_to(stripe):
        yield


def calls_to(sandbox: Sandbox) -> set[tuple[str, str]]:
    return {(sent.method, sent.path) for sent in sandbox.requests}


def refused(buyer: APIClient, method: str, address: str) -> None:
    answer = getattr(buyer, method)(address, {"is_credit_purchase": True, "amount": "20.00"})
    assert (answer.status_code, answer.json()["code"]) == (503, "wrong_account"), answer.json()
    assert int(answer["Retry-After"]) > 0


def alerts() -> list[str]:
    run_jobs()
    return [str(sent.subject) for sent in mail.outbox if "wrong_account" in str(sent.subject)]


def remembered() -> list[object]:
    customers = StripeCustomer.objects.values("user", "key", "stripe_customer_id", "email")
    return [*customers, *PaymentMethod.objects.values()]


def make_everything_due() -> None:
    past = clock.now() - timedelta(days=1)
    Order.objects.update(created_at=past, expires_at=past, next_close_at=None, next_fetch_at=None)
    Refund.objects.update(created_at=clock.now() - timedelta(hours=1), next_try_at=None)
    PaymentMethod.objects.update(next_try_at=None)


def test_the_first_call_ever_tells_whose_database_this_is_and_each_process_asks_once(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer)
    bound = StripeAccount.objects.get()
    assert (bound.account_id, bound.livemode) == (OURS, False)
    buying.buy_credits(stripe, buyer)
    assert [sent.path for sent in stripe.requests].count("/v1/account") == 1
    with restarted(stripe):
        buying.credits(buyer)
    assert [sent.path for sent in stripe.requests].count("/v1/account") == 2


def test_nothing_is_asked_of_another_account_and_nothing_is_forgotten(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    paid = buying.buy_credits(stripe, buyer)
    [card] = buying.cards(buyer)
    waiting = buying.credits(buyer, "30.00")
    ids_before = remembered()
    make_everything_due()
    with the_key_of_somebody_else() as elsewhere:
        refused(buyer, "post", buying.CREATE)
        refused(buyer, "post", "/api/v1/payments/methods/setup/")
        refused(buyer, "post", f"/api/v1/orders/{waiting['order_id']}/cancel/")
        refused(buyer, "post", f"/api/v1/orders/{waiting['order_id']}/sync/")
        requested = buying.refund(staff, paid, amount="10.00")
        for heal in (overdue.expire_orders, overdue.send_unsent_refunds, overdue.sync_open_orders):
            heal()
        assert calls_to(elsewhere) == {("GET", "/v1/account")}
        assert (requested["status"], status_of(waiting)) == ("requested", "pending")
        assert remembered() == ids_before
        assert [one["id"] for one in buying.cards(buyer)] == [card["id"]]
    make_everything_due()
    settle_everything(stripe)
    overdue.expire_orders()
    settle_everything(stripe)
    assert (Refund.objects.get().status, status_of(waiting)) == ("succeeded", "canceled")


def test_a_card_removed_meanwhile_is_detached_once_the_key_is_right_again(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer)
    [card] = buying.cards(buyer)
    with the_key_of_somebody_else():
        assert buyer.delete(f"{buying.METHODS}{card['id']}/").status_code == 204
        overdue.detach_removed_payment_methods()
        assert PaymentMethod.objects.get().detach_pending
    PaymentMethod.objects.update(next_try_at=None)
    overdue.detach_removed_payment_methods()
    assert not PaymentMethod.objects.get().detach_pending
    assert [method["customer"] for method in stripe.state.store.payment_methods] == [None]


def test_a_customer_who_is_gone_elsewhere_is_no_customer_who_is_gone(
    stripe: Sandbox, buyer: APIClient
) -> None:
    """Were the absence believed, a new customer would be made in the other account, and pay there."""
    buying.buy_credits(stripe, buyer)
    [card] = buying.cards(buyer)
    with the_key_of_somebody_else() as elsewhere:
        for _ in range(2):
            buying.refused(
                buyer,
                503,
                "wrong_account",
                is_credit_purchase=True,
                amount="20.00",
                payment_method_id=card["id"],
            )
        assert not list(elsewhere.state.store.customers)
    assert StripeCustomer.objects.exclude(stripe_customer_id="").count() == 1
    buying.credits(buyer, "20.00", payment_method_id=card["id"])


def test_an_event_that_needs_a_look_waits_and_is_never_dead(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    with the_key_of_somebody_else():
        for delivery in deliveries:
            assert post_event(delivery) == 200
        WebhookEvent.objects.update(api_version="2020-01-01")
        for row in WebhookEvent.objects.all():
            row.payload["api_version"] = "2020-01-01"
            row.save()
        for _ in range(20):
            WebhookEvent.objects.update(due_at=clock.now())
            processor.drain()
        assert set(WebhookEvent.objects.values_list("status", flat=True)) <= {"pending", "done", "ignored"}
        assert status_of(order) == "pending"
    WebhookEvent.objects.update(due_at=clock.now())
    processor.drain()
    assert (status_of(order), buying.balance(buyer)) == ("completed", "100.00")


def test_staff_are_told_once_an_hour(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer)
    with the_key_of_somebody_else():
        for _ in range(3):
            refused(buyer, "post", buying.CREATE)
        assert len(alerts()) == 1
        assert OTHERS in mail.outbox[-1].body
        StripeAccount.objects.update(alerted_at=clock.now() - timedelta(hours=2))
        refused(buyer, "post", buying.CREATE)
        assert len(alerts()) == 2


def test_the_other_mode_of_the_same_account_is_another_account(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer)
    StripeAccount.objects.update(livemode=True)
    with restarted(stripe):
        refused(buyer, "post", buying.CREATE)


def test_a_database_with_customers_is_bound_only_to_an_account_that_knows_one(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer)
    StripeAccount.objects.all().delete()  # as a database from before the account was written down
    with the_key_of_somebody_else():
        refused(buyer, "post", buying.CREATE)
        assert StripeAccount.objects.get().account_id == ""
    with restarted(stripe):
        buying.credits(buyer)
    assert StripeAccount.objects.get().account_id == OURS


def test_a_key_that_may_not_say_whose_it_is_takes_payments_and_is_believed_no_absence(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer)
    before = StripeCustomer.objects.get().stripe_customer_id
    stripe.faults.add("forbidden", "GET /v1/account", times=None)
    with restarted(stripe):
        buying.buy_credits(stripe, buyer)
        stripe.control.delete_customer(before)
        stripe.control.lose_events()
        refused(buyer, "post", buying.CREATE)
        assert StripeCustomer.objects.get().stripe_customer_id == before
    stripe.faults.clear()
    with restarted(stripe):
        buying.credits(buyer)
    assert StripeCustomer.objects.get().stripe_customer_id != before


def test_whose_account_it_is_can_be_asked_and_changed_on_purpose(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer)

    def output_of(*arguments: str) -> str:
        call_command("stripe_account", *arguments, stdout=(out := StringIO()))
        return out.getvalue()

    assert f"belongs to {OURS} (test)" in output_of()
    with the_key_of_somebody_else():
        assert f"STRIPE_SECRET_KEY is of {OTHERS} (test)" in output_of()
        assert f"From now on it belongs to {OTHERS}" in output_of("--replace")
    with the_key_of_somebody_else() as elsewhere:
        buying.credits(buyer)
        assert len(list(elsewhere.state.store.customers)) == 1
    StripeAccount.objects.update(account_id=OURS)
